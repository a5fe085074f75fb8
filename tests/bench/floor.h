/* What several benchmarks measure with, and hold their figures against. */
#ifndef ALMON_TESTS_BENCH_FLOOR_H
#define ALMON_TESTS_BENCH_FLOOR_H

#include <stdint.h>

/* Microseconds of processor that this process has used. */
double floor_cpu_now(void);
/* The 99th percentile of how late a bare timer of 2 ms is on this machine, in microseconds; takes
 * two seconds. */
int64_t floor_lateness(void);

#endif
