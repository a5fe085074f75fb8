#include "base/bucket.h"

bool bucket_take(struct bucket *b, int64_t now, double per_second, double burst)
{
    if (b->at == 0)
        b->level = burst;
    else if (now > b->at)
        b->level += (double)(now - b->at) * per_second / 1e6;
    b->at = now == 0 ? 1 : now;
    if (b->level > burst)
        b->level = burst;
    if (b->level < 1)
        return false;
    b->level -= 1;
    return true;
}
