# Almon's build.
#
#   make               bin/almon and the other programs
#   make run           install what is missing, build, start the demonstration
#   make test          install what is missing, build, run every test
#   make test T=name   only the test programs or cases whose name contains `name`
#   make asan | tsan   the whole suite under the sanitizers
#   make torture       unit tests with allocation 1, 2, 3 ... failing; whole calls with any failing
#   make lint          formatting, static checks, include arrows, a build with clang
#   make bench B=name  benchmarks     make fuzz FUZZ_SECONDS=20   fuzzers
#   make install       PREFIX=/usr/local, DESTDIR=
#   make deps | clean  `deps` installs what all of these need
#   make unit T=name   as `test`, but only unit tests and scenarios, and nothing is installed
#
# While other rooms do not compile, build only those that a test needs:
#
#   make test ROOMS="base flow" T=test_flow
#
# ROOMS are the folders of runtime/, `verbs`, `gateways`, and `rtp` (the media of gateways/sip: for
# example ROOMS="base media rtp"). VARIANT=plain|asan|tsan|torture|fuzz chooses the flags; each has
# its own folder build/VARIANT, so they live side by side. V=1 shows the commands; BUILD=folder builds
# somewhere else.

VARIANT ?= plain
BUILD ?= build
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 20
ROOMS ?=
T ?=
B ?=
F ?=

# --- flags ---------------------------------------------------------------------------------------

ifeq ($(origin CC),default)
CC = gcc
endif

WARN = -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes
# Sanitizers make gcc see ghosts: there warnings are shown, but do not end the build.
WERROR = $(if $(SANITIZE),$(if $(findstring clang,$(CC)),,-Wno-format-truncation -Wno-maybe-uninitialized),-Werror)
OPT = -O2 -g
SANITIZE_asan = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANITIZE_tsan = -fsanitize=thread
SANITIZE_torture = $(SANITIZE_asan) -DALMON_TORTURE
SANITIZE_fuzz = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
SANITIZE = $(SANITIZE_$(VARIANT))
ifneq ($(filter asan tsan torture fuzz,$(VARIANT)),)
OPT = -O1 -g
endif
ifeq ($(VARIANT),fuzz)
CC = clang
endif

PACKAGES = libuv libwebsockets libcurl libxml-2.0 lua5.4 jansson sndfile speexdsp openssl sqlite3
# Asked once, and only when something is compiled: before `make deps` there may be no pkg-config.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PACKAGES) | sed 's/-I/-isystem /g'))$(PKG_CFLAGS)
PKG_LIBS = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(WERROR) -Iruntime -I. $(PKG_CFLAGS) $(if $(OPUS),-DHAVE_OPUS) \
  $(OWN_CFLAGS) $(SANITIZE) $(CFLAGS)
# Opus is spoken where its library is.
OPUS = $(eval OPUS := $$(shell pkg-config --exists opus && echo yes))$(OPUS)
OPUS_LIBS = -Wl,--as-needed -lopus -Wl,--no-as-needed

ALL_LIBS = $(PKG_LIBS) $(if $(OPUS),$(OPUS_LIBS)) -lspandsp -lm -pthread $(LDLIBS)

ifeq ($(V),)
Q = @
SAY = @printf '%s\n'
else
SAY = @:
endif

# What installs and builds in one go uses every processor, unless -j was said.
JOBS = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

# --- what there is -------------------------------------------------------------------------------

OUT = $(BUILD)/$(VARIANT)
OBJ = $(OUT)/obj

# The gateways' parts stand in the same archive: a program takes only what it calls from there.
# Only the files that name libre stand aside, with its flags, which its pkg-config keeps to itself.
RTP_SRC := $(wildcard $(patsubst %,gateways/sip/%*.c,codec dtls dtmf ice jitter rtcp rtp sdes srtp stun))
RE_SRC := $(wildcard gateways/sip/stack_*.c)
GATE_SRC := $(RTP_SRC) $(filter-out gateways/sip/main.c $(RTP_SRC) $(RE_SRC),$(wildcard gateways/sip/*.c))
RE_CFLAGS = -DHAVE_INET6 -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -isystem /usr/include/re
# libre has functions by names of ours, mem_alloc among them: ours stay inside the program.
RE_HIDE = -Wl,--exclude-libs,ALL

ifeq ($(strip $(ROOMS)),)
LIB_SRC := $(filter-out runtime/main.c,$(wildcard runtime/*.c runtime/*/*.c runtime/*/*/*.c verbs/*.c)) $(GATE_SRC)
LIB = $(OUT)/libalmon.a
SUFFIX =
else
LIB_SRC := $(foreach r,$(ROOMS),$(if $(filter gateways,$r),$(GATE_SRC),$(if $(filter rtp,$r),$(RTP_SRC),$(wildcard \
  $(if $(filter verbs,$r),verbs/*.c,runtime/$r/*.c runtime/$r/*/*.c)))))
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
LIB = $(OUT)/libalmon$(SUFFIX).a
SUFFIX = -$(subst $(SPACE),-,$(strip $(ROOMS)))
endif

# The Lua modules that handlers may `require`, as one C file.
STDLIB := $(sort $(wildcard stdlib/*.lua))
STDLIB_C = $(BUILD)/made/stdlib.c
ifneq ($(if $(strip $(ROOMS)),$(filter script,$(ROOMS)),all),)
LIB_SRC += $(STDLIB_C)
endif

# The rest of tests/unit is help for all tests, that of tests/scenarios for the scenarios.
TEST_SRC := $(wildcard tests/unit/test_*.c tests/scenarios/test_*.c)
HELP_SRC := $(filter-out $(TEST_SRC),$(wildcard tests/unit/*.c))
SCENARIO_HELP_SRC := $(filter-out $(TEST_SRC),$(wildcard tests/scenarios/*.c))
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)
BENCH_HELP_SRC := $(filter-out $(BENCH_SRC),$(wildcard tests/bench/*.c))
CLIENTS := $(filter-out %/common.mjs %/common.sh,$(wildcard tests/clients/*.mjs tests/clients/*.sh examples/*/test.sh))

# With T naming test programs, only these are built and run; else it names cases.
CHOSEN := $(strip $(if $T,$(foreach s,$(TEST_SRC),$(if $(findstring $T,$(basename $(notdir $s))),$s))))
CHOSEN_CLIENTS := $(strip $(if $T,$(foreach s,$(CLIENTS),$(if $(findstring $T,$s),$s))))
RUN_SRC = $(if $(CHOSEN)$(CHOSEN_CLIENTS),$(CHOSEN),$(TEST_SRC))
RUN_CLIENTS = $(if $(CHOSEN)$(CHOSEN_CLIENTS),$(CHOSEN_CLIENTS),$(CLIENTS))
CASE = $(if $(CHOSEN)$(CHOSEN_CLIENTS),,$T)

programs = $(patsubst tests/%.c,$(OUT)/%$(SUFFIX),$1)
objects = $(patsubst %.c,$(OBJ)/%.o,$1)
TEST_BIN = $(call programs,$(TEST_SRC))
FUZZ_BIN = $(call programs,$(FUZZ_SRC))
BENCH_BIN = $(call programs,$(BENCH_SRC))

ifeq ($(VARIANT),plain)
BIN = bin/almon
SIP_BIN = bin/almon-sip
else
BIN = $(OUT)/almon
SIP_BIN = $(OUT)/almon-sip
endif

.PHONY: all
all: $(if $(wildcard runtime/main.c),$(BIN)) $(SIP_BIN) $(LIB)

# --- rules ---------------------------------------------------------------------------------------

# Written beside and moved into place, so that two makes in one tree do not hurt each other.
$(OBJ)/%.o: %.c
	$(SAY) "cc $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -MT $@ -MF $@.d.$$$$ -c $< -o $@.$$$$ \
	 && mv -f $@.d.$$$$ $(@:.o=.d) && mv -f $@.$$$$ $@ \
	 || { rm -f $@.$$$$ $@.d.$$$$; .ci/deps run tell; exit 1; }

$(STDLIB_C): $(STDLIB) stdlib runtime/script/embed.sh
	$(SAY) "embed stdlib"
	$(Q)mkdir -p $(@D) && runtime/script/embed.sh $(STDLIB) >$@.$$$$ && mv -f $@.$$$$ $@

# Rewritten only when files came or went: then the archive is made anew.
.PHONY: FORCE
$(LIB).list: FORCE
	@mkdir -p $(@D); echo '$(LIB_SRC)' | cmp -s - $@ || echo '$(LIB_SRC)' >$@

$(LIB): $(call objects,$(LIB_SRC)) $(LIB).list
	$(SAY) "ar $@"
	$(Q)rm -f $@.$$$$ && ar rcs $@.$$$$ $(filter %.o,$^) && mv -f $@.$$$$ $@

$(OUT)/libtest.a: $(call objects,$(HELP_SRC))
	$(Q)rm -f $@.$$$$ && ar rcs $@.$$$$ $^ && mv -f $@.$$$$ $@

define link
	$(SAY) "ld $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(SANITIZE) $1 $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(ALL_LIBS) $2 -o $@.$$$$ \
	 && mv -f $@.$$$$ $@
endef

$(BIN): $(OBJ)/runtime/main.o $(LIB)
	$(call link)

$(call objects,$(RE_SRC)): OWN_CFLAGS = $(RE_CFLAGS)
$(SIP_BIN): $(OBJ)/gateways/sip/main.o $(call objects,$(RE_SRC)) $(LIB)
	$(call link,$(RE_HIDE),-lre)

$(call programs,$(TEST_SRC)): $(OUT)/%$(SUFFIX): $(OBJ)/tests/%.o $(OUT)/libtest.a $(LIB)
	$(call link,$(OWN_LDFLAGS),-lcmocka $(OWN_LIBS))
$(call programs,$(filter tests/scenarios/%,$(TEST_SRC))): $(call objects,$(SCENARIO_HELP_SRC))
# Tests of what takes libre's timers over, with a clock of their own instead of stack_clock.c.
RE_TEST_SRC := $(filter tests/unit/test_sip_stack_tmr.c,$(TEST_SRC))
$(call objects,$(RE_TEST_SRC)): OWN_CFLAGS = $(RE_CFLAGS)
$(call programs,$(RE_TEST_SRC)): OWN_LDFLAGS = $(RE_HIDE)
$(call programs,$(RE_TEST_SRC)): OWN_LIBS = -lre
$(call programs,$(RE_TEST_SRC)): $(call objects,gateways/sip/stack_tmr.c)
# A room's own help, tests/unit/ROOM_*.c, goes before what others call by the same name.
$(foreach s,$(filter tests/unit/%,$(TEST_SRC)),$(eval $(call programs,$s): \
  $(call objects,$(filter tests/unit/$(word 2,$(subst _, ,$(basename $(notdir $s))))_%,$(HELP_SRC)))))

$(call programs,$(BENCH_SRC)): $(OUT)/%$(SUFFIX): $(OBJ)/tests/%.o $(call objects,$(BENCH_HELP_SRC)) $(LIB)
	$(call link)

$(call programs,$(FUZZ_SRC)): $(OUT)/%$(SUFFIX): $(OBJ)/tests/%.o $(LIB)
	$(call link,-fsanitize=fuzzer $(OWN_LDFLAGS),$(OWN_LIBS))
# What libre has read. Only our archive is hidden from it: the sanitizer's malloc() must not be.
RE_FUZZ_SRC := $(filter tests/fuzz/fuzz_sip_message.c,$(FUZZ_SRC))
$(call objects,$(RE_FUZZ_SRC)): OWN_CFLAGS = $(RE_CFLAGS)
$(call programs,$(RE_FUZZ_SRC)): OWN_LDFLAGS = -Wl,--exclude-libs,$(notdir $(LIB))
$(call programs,$(RE_FUZZ_SRC)): OWN_LIBS = -lre
$(call programs,$(RE_FUZZ_SRC)): $(call objects,$(RE_SRC))

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)

# --- what is missing -----------------------------------------------------------------------------

.PHONY: deps
deps:
	@.ci/deps lint

.PHONY: deps-run deps-test
deps-run deps-test: deps-%:
	@.ci/deps $*

# The packages of the client tests, as their lock file has them.
tests/clients/node_modules: tests/clients/package-lock.json
	$(Q)cd tests/clients && npm ci --no-audit --no-fund --loglevel=error && touch node_modules

# --- run -----------------------------------------------------------------------------------------

.PHONY: run
run: deps-run
	@$(MAKE) $(JOBS) --no-print-directory all
	@scripts/run

# --- tests ---------------------------------------------------------------------------------------

# cmocka catches faults itself; under a sanitizer its report is worth more.
export ASAN_OPTIONS ?= handle_segv=2:handle_abort=2:detect_stack_use_after_return=1
export UBSAN_OPTIONS ?= print_stacktrace=1
export TSAN_OPTIONS ?= second_deadlock_stack=1
# For clients: the program to test.
export ALMON = $(BIN)
export ALMON_SIP = $(SIP_BIN)
# For scenarios: the prompts that were spoken once.
export ALMON_PROMPTS ?= $(BUILD)/test-speech
# The scenarios in Lua are one more test program; T chooses among them by name, as by a case.
SCENARIOS = $(if $(CHOSEN)$(CHOSEN_CLIENTS)$(strip $(ROOMS)),,$(BIN))

RUN_ARGS = -l $(BUILD)/logs/$(VARIANT) $(if $(CASE),-c '$(CASE)')

.PHONY: test unit suite asan tsan torture torture-run
test: deps-test
ifeq ($(strip $(ROOMS)),)
	@$(MAKE) $(JOBS) --no-print-directory suite
else
	@$(MAKE) $(JOBS) --no-print-directory unit
endif

asan tsan: deps-test
	@$(MAKE) $(JOBS) --no-print-directory suite VARIANT=$@

torture: deps-test
	@$(MAKE) $(JOBS) --no-print-directory torture-run VARIANT=torture

# Unit tests and scenarios alone, nothing installed: for daily work.
unit: $(call programs,$(RUN_SRC)) $(SCENARIOS)
	@tests/run $(RUN_ARGS) $^

# Everything: unit tests, scenarios, the fuzzers' corpora, clients.
suite: $(if $(RUN_CLIENTS)$(CASE),all) $(call programs,$(RUN_SRC)) $(SCENARIOS) \
  $(if $(RUN_CLIENTS),$(if $(wildcard tests/clients/package-lock.json),tests/clients/node_modules))
ifeq ($(VARIANT)$T,plain)
	@$(MAKE) --no-print-directory VARIANT=fuzz fuzzers
endif
	@tests/run $(RUN_ARGS) $(call programs,$(RUN_SRC)) $(SCENARIOS) \
	  $(if $(filter plain,$(VARIANT)$T),$(patsubst tests/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))) \
	  --one-at-a-time $(if $(CASE),,$(RUN_CLIENTS))

torture-run: $(call programs,$(filter tests/unit/% %/test_storm_calls.c,$(RUN_SRC)))
	@ALMON_TORTURE=1 tests/run -t 1200 $(RUN_ARGS) $^

# --- fuzzers and benchmarks ----------------------------------------------------------------------

.PHONY: fuzz fuzz-run fuzzers bench bench-run
# F=name for one. What is found is kept in build/fuzz/corpus; what crashes is printed with its file.
fuzz: deps-test
	@$(MAKE) $(JOBS) --no-print-directory fuzz-run VARIANT=fuzz

CHOSEN_FUZZ = $(foreach s,$(FUZZ_SRC),$(if $(findstring fuzz_$F,$s),$s))
fuzzers: $(call programs,$(CHOSEN_FUZZ))
fuzz-run: fuzzers
	@set -e; for f in $(call programs,$(CHOSEN_FUZZ)); do \
	  name=$$(basename $$f | sed 's/^fuzz_//'); found=$(OUT)/corpus/$$name; \
	  mkdir -p $$found; echo "$$name: $(FUZZ_SECONDS) s"; \
	  $$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=$(OUT)/ $$found \
	    $$(ls -d tests/fuzz/corpus/$$name 2>/dev/null); \
	done

# B=name for one.
bench: deps-test
	@$(MAKE) $(JOBS) --no-print-directory bench-run

CHOSEN_BENCH = $(foreach s,$(BENCH_SRC),$(if $(findstring bench_$B,$s),$s))
bench-run: all $(call programs,$(CHOSEN_BENCH))
	@set -e; for b in $(call programs,$(CHOSEN_BENCH)); do echo "== $$(basename $$b)"; $$b; done

# --- lint ----------------------------------------------------------------------------------------

.PHONY: lint lint-clang
lint: deps
	@tests/lint/run
	@$(MAKE) $(JOBS) --no-print-directory lint-clang VARIANT=clang CC=clang

lint-clang: all $(call objects,$(TEST_SRC) $(HELP_SRC) $(SCENARIO_HELP_SRC) $(BENCH_SRC) $(BENCH_HELP_SRC))
	@echo "no warnings from clang"

# --- install -------------------------------------------------------------------------------------

.PHONY: install clean
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/almon
	install -m 755 bin/* $(DESTDIR)$(PREFIX)/bin/
	cp -R $(wildcard scripts stdlib) $(DESTDIR)$(PREFIX)/share/almon/

clean:
	rm -rf $(BUILD) bin
