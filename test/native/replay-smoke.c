/*
 * Smoke test of the replay harness: programs written by hand, replayed through the bridge on the toy runtime, and their
 * traces held against what SPEC sections 3 to 5 say, spelled out.
 *
 *   replay-smoke <host command> <folder of the toys> [sched.so]     tests; ends with 0 when all hold
 *   replay-smoke --bench <host command> <runtime>                   programs a second, batches of 1,000
 *
 * The folder holds the builds of replay-toy-runtime.c: toy.so (-DTOY_HOOKS), toy-plain.so, and the ones that cannot be
 * loaded: toy-abi.so toy-nowait.so toy-noentry.so toy-crash.so toy-hang.so.
 */
#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/native-bridge/replay/batch.h"
#include "../../src/native-bridge/replay/bridge.h"
#include "../../src/native-bridge/replay/encoding.h"
#include "../../src/native-bridge/replay/must.h"

static const char *const op_names[] = {"yield", "suspend", "sleep", "wake",  "spawn", "go",     "wait", "cancel",   "block", "blockWrite",
                                       "write", "read",    "close", "log",   "repeat", "call",  "overflow", "run", "deinit"};
static const char *const result_names[] = {"",        "",        "called",   "unspawned", "finished", "spawned", "already",
                                           "canceled", "unstarted", "closed", "full",     "broken",   "empty"};

enum { MEMORY_LIMIT_MIB = 4096 };

static int failures;
static const char *folder; /* of the toys */

/* ---- programs, from a line of text ---- */

static int32_t *write_op(int32_t *word, char *text) {
  char *rest;
  char *name = strtok_r(text, " ", &rest);
  int32_t code = 0;
  while (code <= LOCKSTEP_OP_DEINIT && strcmp(op_names[code], name) != 0) code++;
  LOCKSTEP_MUST(code <= LOCKSTEP_OP_DEINIT, "a test names an unknown op");
  const char *a = strtok_r(NULL, " ", &rest);
  const char *b = strtok_r(NULL, " ", &rest);
  const int64_t first = a ? strtoll(a, NULL, 10) : 0;
  const bool is_long = code == LOCKSTEP_OP_SLEEP || code == LOCKSTEP_OP_LOG;
  *word++ = code;
  *word++ = (int32_t)first;
  *word++ = is_long ? (int32_t)(first >> 32) : b ? (int32_t)strtol(b, NULL, 10) : 0;
  return word;
}

static int64_t executed(const int32_t *op, int32_t count) {
  int64_t sum = 0;
  for (int32_t at = 0; at < count; at++) {
    sum++;
    if (op[at * 3] != LOCKSTEP_OP_REPEAT && op[at * 3] != LOCKSTEP_OP_CALL) continue;
    const int64_t times = op[at * 3] == LOCKSTEP_OP_REPEAT ? op[at * 3 + 1] : 1;
    sum += times * executed(op + (at + 1) * 3, op[at * 3 + 2]);
    at += op[at * 3 + 2];
  }
  return sum;
}

/*
 * "F T P | body | body | ... | main | world": numbers of fibers, tasks and pipes, then the bodies in order, ops
 * separated by ';'. A task's body may begin with "=value:". Returns the length in words.
 */
static int32_t encode(int32_t *words, const char *text) {
  char copy[4096];
  snprintf(copy, sizeof copy, "%s", text);
  char *rest = copy;
  char *head = strsep(&rest, "|");
  int fibers, tasks, pipes;
  LOCKSTEP_MUST(sscanf(head, "%d %d %d", &fibers, &tasks, &pipes) == 3, "a test's program has no head");
  const int bodies = fibers + tasks + 2;
  int32_t *row = words + LOCKSTEP_PROGRAM_HEADER_WORDS;
  int32_t *ops = row + bodies * LOCKSTEP_PROGRAM_BODY_WORDS;
  int32_t *word = ops;
  int64_t total = 0;
  for (int body = 0; body < bodies; body++, row += LOCKSTEP_PROGRAM_BODY_WORDS) {
    char *part = strsep(&rest, "|");
    int64_t returns = 0;
    int used = 0;
    if (part && sscanf(part, " =%ld:%n", &returns, &used) == 1) part += used;
    int32_t *first = word;
    for (char *op; part && (op = strsep(&part, ";")) != NULL;) {
      while (isspace((unsigned char)*op)) op++;
      if (*op) word = write_op(word, op);
    }
    row[0] = (int32_t)((first - ops) / 3);
    row[1] = (int32_t)((word - first) / 3);
    row[2] = (int32_t)returns;
    row[3] = (int32_t)(returns >> 32);
    total += executed(first, row[1]);
  }
  const int32_t header[] = {LOCKSTEP_PROGRAM_MAGIC, (int32_t)(word - words), fibers, tasks, pipes,
                            (int32_t)((word - ops) / 3), (int32_t)total, 0};
  memcpy(words, header, sizeof header);
  return header[1];
}

static int32_t *programs_of(void *memory) { return (int32_t *)((char *)memory + LOCKSTEP_PROGRAMS_OFFSET); }

static void fill(void *memory, const char *const *programs, uint32_t count) {
  int32_t *word = programs_of(memory);
  for (uint32_t i = 0; i < count; i++) word += encode(word, programs[i]);
  ((struct lockstep_batch *)memory)->programs = count;
}

/* ---- traces, to a line of text ---- */

static int64_t take_long(const int32_t **word) {
  const int64_t value = (int64_t)((uint64_t)(uint32_t)(*word)[1] << 32 | (uint32_t)(*word)[0]);
  *word += 2;
  return value;
}

static const int32_t *show_outcome(FILE *out, const int32_t *word, int outcome, int who) {
  switch (outcome) {
    case LOCKSTEP_OUTCOME_COMPLETED:
      fprintf(out, "completed");
      return word;
    case LOCKSTEP_OUTCOME_PANIC:
      fprintf(out, "panic(%.*s)", (int)word[0], (const char *)(word + 1));
      return word + 1 + (word[0] + 3) / 4;
    case LOCKSTEP_OUTCOME_STACK_OVERFLOW:
      fprintf(out, "overflow(%d)", who);
      return word;
    case LOCKSTEP_OUTCOME_IO_HANG:
      fprintf(out, "hang(");
      for (int i = 0; i < word[0]; i++) fprintf(out, "%s%d:%d", i ? " " : "", (int)word[1 + 2 * i], (int)word[2 + 2 * i]);
      fprintf(out, ")");
      return word + 1 + 2 * word[0];
    case LOCKSTEP_OUTCOME_CRASH:
      fprintf(out, "crash(%d by %d)", (int)word[0], who);
      return word + 1;
    default:
      fprintf(out, "timeout");
      return word;
  }
}

/* One record a word: b, e, c, r, clobber, corrupt, then who, '.' and at; "@t" where the clock moved. */
static const int32_t *show_record(FILE *out, const int32_t *word) {
  const int32_t header = *word++;
  const int kind = header & 7;
  const int result = header >> LOCKSTEP_HEADER_RESULT_SHIFT & 31;
  const int who = (int)((uint32_t)header >> LOCKSTEP_HEADER_WHO_SHIFT);
  if (header & LOCKSTEP_HEADER_CLOCK_BIT) fprintf(out, "@%ld ", (long)take_long(&word));
  if (kind == LOCKSTEP_KIND_OUTCOME) return show_outcome(out, word, result, who);
  static const char *const letters[] = {"b", "e", "c", "r", "clobber", "corrupt"};
  fprintf(out, "%s%d", letters[kind], who);
  if (kind >= LOCKSTEP_KIND_CALL) fprintf(out, ".%d", (int)*word++);
  if (kind == LOCKSTEP_KIND_CLOBBER) fprintf(out, "=%x", (unsigned)*word++);
  if (kind == LOCKSTEP_KIND_RET && result == LOCKSTEP_RESULT_VALUE) {
    fprintf(out, "=%ld", (long)take_long(&word));
  } else if (kind == LOCKSTEP_KIND_RET && result == LOCKSTEP_RESULT_RAN) {
    const long clock = (long)take_long(&word);
    const long spawned = (long)take_long(&word);
    fprintf(out, "=%ld/%ld/%ld", clock, spawned, (long)take_long(&word));
  } else if (kind == LOCKSTEP_KIND_RET && result != LOCKSTEP_RESULT_NONE) {
    fprintf(out, "=%s", result_names[result]);
  }
  fprintf(out, " ");
  return word;
}

static uint32_t trace_end(void *memory, uint32_t i) {
  return ((const uint32_t *)((const char *)memory + LOCKSTEP_INDEX_OFFSET))[i];
}

static char *show_trace(void *memory, uint32_t i) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  const int32_t *traces = (const int32_t *)((const char *)memory + LOCKSTEP_TRACES_OFFSET);
  const int32_t *word = traces + (i > 0 ? trace_end(memory, i - 1) : 0);
  const int32_t *end = traces + trace_end(memory, i);
  while (word < end) word = show_record(out, word);
  if (word != end) fprintf(out, " (the last record reaches past the end)");
  fclose(out);
  return text;
}

/* ---- checks ---- */

static void expect_text(const char *what, const char *found, const char *wanted) {
  if (strcmp(found, wanted) == 0) return;
  if (failures++ < 20) printf("FAIL %s\n  found  %s\n  wanted %s\n", what, found, wanted);
}

static void expect(bool holds, const char *what) {
  if (holds) return;
  failures++;
  printf("FAIL %s\n", what);
}

struct example {
  const char *program;
  const char *trace;
};

static void check_examples(int32_t handle, const char *on, const struct example *examples, uint32_t count) {
  void *memory = lockstep_bridge_memory(handle);
  int32_t *word = programs_of(memory);
  for (uint32_t i = 0; i < count; i++) word += encode(word, examples[i].program);
  ((struct lockstep_batch *)memory)->programs = count;
  expect(lockstep_bridge_replay(handle) == 0, "the host survives a batch");
  for (uint32_t i = 0; i < count; i++) {
    char *text = show_trace(memory, i);
    char what[2048];
    snprintf(what, sizeof what, "on %s: %s", on, examples[i].program);
    expect_text(what, text, examples[i].trace);
    free(text);
  }
}

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof *(array)))

/* Valid on any runtime, with and without hooks. */
static const struct example common[] = {
    {"0 0 0 | |", "completed"},
    {"1 0 0 | log 5; yield; log -1 | spawn 0; spawn 0; run; deinit; deinit; log 7 |",
     "r2.0=spawned "},
    {"2 0 0 | log 0; yield; log 0 | log 1; yield; log 1 | spawn 0; spawn 1; run; deinit |", ""},
    {"1 1 0 | sleep 10; wake 1; wake 0; go 1; wake 1; wait 1; wake 1; cancel 1; wait 1 | =4294967297: sleep 5 | cancel 1; wait 1; spawn 0; run |", ""},
    {"1 1 0 | go 1; cancel 1; wake 1; wait 1 | =7: log 1 | spawn 0; run |", ""},
    {"1 0 1 | read 0 5; write 0 4096; write 0 1; read 0 4000; write 0 300; read 0 4096; close 0 1; close 0 1; read 0 3; close 0 0; read 0 3; write 0 1 | spawn 0; run |", ""},
    {"1 0 1 | write 0 3; close 0 0; write 0 3 | spawn 0; run |", ""},
    {"1 0 1 | read 0 5 | spawn 0; run |", ""},
    {"2 0 1 | block 0; read 0 9 | write 0 3 | spawn 0; spawn 1; run; deinit |", ""},
    {"1 0 0 | repeat 2 4; repeat 3 1; log 1; repeat 0 1; log 2; repeat 5 0; log 3 | spawn 0; run |", ""},
    {"1 0 0 | call 60 3; yield; call 4 1; yield; call 64 1; yield | spawn 0; run |", ""},
    {"1 0 0 | suspend | spawn 0; run |", ""},
    {"1 0 0 | yield | yield |", ""},
    {"1 0 1 | blockWrite 0 | spawn 0; run |", ""},
    {"1 0 0 | log 1; call 3 1; overflow | spawn 0; run |", ""},
    {"1 0 0 | run | spawn 0; run |", ""},
    {"1 0 0 | deinit | spawn 0; run |", ""},
};

/* What `common` gives; in an array of its own, so that programs and traces stay readable. */
static const char *const common_traces[] = {
    "completed",
    "r1.0=spawned r1.1=already c1.2 b0 r0.0=5 c0.1 r0.1 r0.2=-1 e0 r1.2=0/1/0 r1.3 r1.4 r1.5=7 completed",
    "r2.0=spawned r2.1=spawned c2.2 b0 r0.0=0 c0.1 b1 r1.0=1 c1.1 r0.1 r0.2=0 e0 r1.1 r1.2=1 e1 r2.2=0/2/0 r2.3 completed",
    "r2.0=unstarted r2.1=unstarted r2.2=spawned c2.3 b0 c0.0 @10 r0.0 r0.1=unspawned r0.2=called r0.3=spawned "
    "r0.4=unspawned c0.5 b1 c1.0 @15 r1.0 e1 r0.5=4294967297 r0.6=finished r0.7=called c0.8 r0.8=canceled e0 "
    "r2.3=15/2/0 completed",
    "r2.0=spawned c2.1 b0 r0.0=spawned r0.1=called r0.2=unspawned c0.3 r0.3=canceled e0 r2.1=0/2/0 completed",
    "r1.0=spawned c1.1 b0 r0.0=empty r0.1=4096 r0.2=full r0.3=4000 r0.4=300 r0.5=396 r0.6=closed r0.7=already r0.8=0 "
    "r0.9=closed r0.10=closed r0.11=closed e0 r1.1=0/1/0 completed",
    "r1.0=spawned c1.1 b0 r0.0=3 r0.1=closed r0.2=broken e0 r1.1=0/1/0 completed",
    "r1.0=spawned c1.1 b0 r0.0=empty e0 r1.1=0/1/0 completed",
    "r2.0=spawned r2.1=spawned c2.2 b0 c0.0 b1 r1.0=3 e1 r0.0 r0.1=3 e0 r2.2=0/2/0 r2.3 completed",
    "r1.0=spawned c1.1 b0 r0.2=1 r0.2=1 r0.2=1 r0.2=1 r0.2=1 r0.2=1 r0.6=3 e0 r1.1=0/1/0 completed",
    "r1.0=spawned c1.1 b0 c0.1 r0.1 c0.3 r0.3 c0.5 r0.5 e0 r1.1=0/1/0 completed",
    "r1.0=spawned c1.1 b0 c0.0 panic(sched: deadlock \xe2\x80\x94 1 fiber(s) suspended with an empty run queue)",
    "c1.0 panic(sched: yield_now() called outside a fiber (no running fiber))",
    "r1.0=spawned c1.1 b0 c0.0 panic(sched: block_on_fd(want_read=false) \xe2\x80\x94 write-readiness not implemented)",
    "r1.0=spawned c1.1 b0 r0.0=1 overflow(0)",
    "r1.0=spawned c1.1 b0 c0.0 panic(sched: run() called inside a fiber)",
    "r1.0=spawned c1.1 b0 panic(sched: deinit() called inside a fiber)",
};

static void check_common(int32_t handle, const char *on) {
  struct example examples[COUNT(common)];
  _Static_assert(COUNT(common) == COUNT(common_traces), "a trace for each program");
  for (uint32_t i = 0; i < COUNT(common); i++) examples[i] = (struct example){common[i].program, common_traces[i]};
  check_examples(handle, on, examples, COUNT(common));
}

static const struct example worlds[] = {
    {"1 0 1 | block 0; read 0 9; block 0; read 0 9 | spawn 0; run | write 0 3; close 0 1",
     "r1.0=spawned c1.1 b0 c0.0 r2.0=3 r0.0 r0.1=3 c0.2 r2.1=closed r0.2 r0.3=0 e0 r1.1=0/1/0 completed"},
    {"2 0 2 | block 1 | block 0 | spawn 0; spawn 1; run | close 0 0; write 0 1",
     "r2.0=spawned r2.1=spawned c2.2 b0 c0.0 b1 c1.0 r3.0=closed r3.1=broken hang(0:1 1:0)"},
    {"1 0 0 | log 1 | spawn 0; run |", "r1.0=spawned c1.1 b0 r0.0=1 e0 r1.1=0/1/0 completed"},
};

static const struct example hang_alone[] = {
    {"2 0 2 | block 1 | yield; block 0 | spawn 0; spawn 1; run |",
     "r2.0=spawned r2.1=spawned c2.2 b0 c0.0 b1 c1.0 r1.0 c1.1 hang(0:1 1:0)"},
    {"1 0 0 | log 1 | spawn 0; run |", "r1.0=spawned c1.1 b0 r0.0=1 e0 r1.1=0/1/0 completed"},
};

/* The toy's faults, each with healthy programs around it (see enum toy_fault). */
static const struct example faults[] = {
    {"1 0 0 | log 1 | spawn 0; run |", "r1.0=spawned c1.1 b0 r0.0=1 e0 r1.1=0/1/0 completed"},
    {"2 0 0 | yield | sleep 1001 | spawn 0; spawn 1; run |", "r2.0=spawned r2.1=spawned c2.2 b0 c0.0 b1 c1.0 crash(11 by 1)"},
    {"1 0 0 | log 1 | spawn 0; run |", "r1.0=spawned c1.1 b0 r0.0=1 e0 r1.1=0/1/0 completed"},
    {"1 0 0 | sleep 1002 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 crash(263 by 0)"},
    {"1 0 0 | sleep 3; sleep 1003 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 @3 r0.0 c0.1 timeout"},
    {"1 0 0 | sleep 1005 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 crash(6 by 0)"},
    {"1 0 0 | sleep 1006 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 crash(11 by 0)"},
#if defined(__x86_64__)
    {"1 0 0 | sleep 1007 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 clobber0.0=1000000 r0.0 e0 r1.1=0/1/0 completed"},
#else
    {"1 0 0 | sleep 1007 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 clobber0.0=40000 r0.0 e0 r1.1=0/1/0 completed"},
#endif
    {"1 0 0 | log 1 | spawn 0; run |", "r1.0=spawned c1.1 b0 r0.0=1 e0 r1.1=0/1/0 completed"},
};

/* Printed, then aborted: a panic without the hook, a crash with it. */
static const struct example printed_plain[] = {
    {"1 0 0 | sleep 1004 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 panic(sched: printed, then aborted)"},
    {"1 0 0 | sleep 1005 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 crash(6 by 0)"},
};
static const struct example printed_hooked[] = {
    {"1 0 0 | sleep 1004 | spawn 0; run |", "r1.0=spawned c1.1 b0 c0.0 crash(6 by 0)"},
};

static int32_t open_or_fail(const char *command, const char *runtime, int32_t limit_ms) {
  const int32_t handle = lockstep_bridge_open(command, runtime, limit_ms, MEMORY_LIMIT_MIB);
  if (handle < 0) {
    printf("cannot open %s: %s\n", runtime, lockstep_bridge_report());
    exit(1);
  }
  return handle;
}

static void check_report(const char *command, const char *toy, const char *begin, const char *part) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, toy);
  const int32_t handle = lockstep_bridge_open(command, path, 1500, MEMORY_LIMIT_MIB);
  const char *report = lockstep_bridge_report();
  const bool is_as_wanted = strncmp(report, begin, strlen(begin)) == 0 && strstr(report, part) != NULL;
  if (!is_as_wanted) printf("  report: %s\n", report);
  expect(is_as_wanted, toy);
  expect((handle >= 0) == (strncmp(begin, "ok", 2) == 0), "a handle is given for a good runtime and for no other");
  lockstep_bridge_close(handle);
}

static void check_reports(const char *command) {
  check_report(command, "toy.so", "ok\ttoy ucontext poll\t3", "toy");
  check_report(command, "toy-plain.so", "ok\ttoy ucontext poll\t0", "toy");
  check_report(command, "toy-abi.so", "error\tabi\t", "toy-abi.so has runtime ABI 2, not 1");
  check_report(command, "toy-nowait.so", "error\tabi\t", "has no wait (NULL)");
  check_report(command, "toy-noentry.so", "error\tsymbol\t", "toy-noentry.so does not export");
  check_report(command, "toy-crash.so", "error\tcrash\t", "while it was loaded");
  check_report(command, "toy-hang.so", "error\tcrash\t", "did not finish loading within 1500 ms");
  check_report(command, "none.so", "error\tload\t", "none.so");
  check_report("/nowhere/lockstep-host", "toy.so", "error\thost\t", "/nowhere/lockstep-host");
  check_report("/bin/true", "toy.so", "error\thost\t", "ended before it reported");
}

/* 1,000 programs a batch, every tenth a crash; the traces around it are those of a run without. */
static void check_large_batch(int32_t handle) {
  enum { PROGRAMS = 1000 };
  const char *const good = "2 0 1 | block 0; read 0 9 | write 0 3 | spawn 0; spawn 1; run; deinit |";
  const char *const bad = "1 0 0 | sleep 1001 | spawn 0; run |";
  const char *programs[PROGRAMS];
  for (int i = 0; i < PROGRAMS; i++) programs[i] = i % 10 == 3 ? bad : good;
  void *memory = lockstep_bridge_memory(handle);
  fill(memory, programs, PROGRAMS);
  expect(lockstep_bridge_replay(handle) == 0, "a batch of 1,000 programs");
  for (uint32_t i = 0; i < PROGRAMS; i++) {
    char *text = show_trace(memory, i);
    expect_text("in a batch of 1,000", text,
                i % 10 == 3 ? "r1.0=spawned c1.1 b0 c0.0 crash(11 by 0)" : common_traces[8]);
    free(text);
  }
}

/* Abandoned schedulers pile up: fibers and descriptors of panics must not change what later programs see. */
static void check_many_panics(int32_t handle) {
  enum { PROGRAMS = 5000 };
  static const char *programs[PROGRAMS];
  for (int i = 0; i < PROGRAMS; i++) programs[i] = "3 0 0 | suspend | suspend | suspend | spawn 0; spawn 1; spawn 2; run |";
  void *memory = lockstep_bridge_memory(handle);
  fill(memory, programs, PROGRAMS);
  expect(lockstep_bridge_replay(handle) == 0, "a batch of 5,000 panics");
  char *first = show_trace(memory, 0);
  for (uint32_t i = 0; i < PROGRAMS; i++) {
    char *text = show_trace(memory, i);
    expect_text("in a batch of panics", text, first);
    free(text);
  }
  free(first);
}

/* A runtime that runs bodies again and again is stopped at the trace's limit. */
static void check_runaway(int32_t handle) {
  void *memory = lockstep_bridge_memory(handle);
  const char *const programs[] = {"2 0 0 | sleep 1008 | log 1 | spawn 0; spawn 1; run |", common[1].program};
  fill(memory, programs, 2);
  expect(lockstep_bridge_replay(handle) == 0, "a batch with a runaway trace");
  char *text = show_trace(memory, 0);
  expect(strstr(text, "timeout") != NULL, "a runaway trace ends as a timeout");
  expect(trace_end(memory, 0) <= 64 + 8 * 4 + 24 * 5, "a runaway trace keeps its limit");
  free(text);
  text = show_trace(memory, 1);
  expect_text("after a runaway", text, common_traces[1]);
  free(text);
}

static void check_corrupt_program(const char *command, const char *toy) {
  const int32_t handle = open_or_fail(command, toy, 1000);
  void *memory = lockstep_bridge_memory(handle);
  fill(memory, &common[1].program, 1);
  programs_of(memory)[LOCKSTEP_PROGRAM_HEADER_WORDS + 1] = 1000000;
  expect(lockstep_bridge_replay(handle) == -1, "a corrupt program fails loudly");
  expect(lockstep_bridge_replay(handle) == -1, "a lost host stays lost");
  lockstep_bridge_close(handle);
  expect(lockstep_bridge_memory(handle) == NULL, "a closed handle has no memory");
  lockstep_bridge_close(handle);
}

/* ---- processes ---- */

/* Reads a file of /proc/<pid>; what it holds may have zeros in it, which become spaces. */
static void read_process(const char *pid, const char *file, char *text, size_t size) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
  FILE *stream = fopen(path, "r");
  const size_t bytes = stream ? fread(text, 1, size - 1, stream) : 0;
  if (stream) fclose(stream);
  for (size_t i = 0; i < bytes; i++) text[i] = text[i] == 0 ? ' ' : text[i];
  text[bytes] = 0;
}

/* Hosts and workers of the runtimes in our folder; others may be testing on this machine too. */
static int count_hosts(void) {
  int count = 0;
  DIR *processes = opendir("/proc");
  for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
    char name[64];
    char command[2048];
    read_process(entry->d_name, "comm", name, sizeof name);
    read_process(entry->d_name, "cmdline", command, sizeof command);
    if (strncmp(name, "lockstep-host", 13) == 0 && strstr(command, folder)) count++;
  }
  closedir(processes);
  return count;
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

static void expect_no_hosts(const char *what) {
  for (int i = 0; i < 300 && count_hosts() > 0; i++) pause_ms(10);
  expect(count_hosts() == 0, what);
}

static void *replay_thread(void *argument) {
  return (void *)(intptr_t)lockstep_bridge_replay(*(const int32_t *)argument);
}

static void check_close_while_running(const char *command, const char *toy) {
  int32_t handle = open_or_fail(command, toy, 60000);
  const char *const spin = "1 0 0 | sleep 1003 | spawn 0; run |";
  fill(lockstep_bridge_memory(handle), &spin, 1);
  pthread_t thread;
  pthread_create(&thread, NULL, replay_thread, &handle);
  pause_ms(200);
  lockstep_bridge_close(handle);
  void *result;
  pthread_join(thread, &result);
  expect((intptr_t)result == -1, "close ends a replay under way");
  expect_no_hosts("no process is left after close");
}

static void check_parent_killed(const char *command, const char *toy, const char *program) {
  const pid_t parent = fork();
  if (parent == 0) {
    const int32_t handle = open_or_fail(command, toy, 60000);
    if (program) {
      fill(lockstep_bridge_memory(handle), &program, 1);
      lockstep_bridge_replay(handle);
    }
    for (;;) pause();
  }
  for (int i = 0; i < 300 && count_hosts() < (program ? 2 : 1); i++) pause_ms(10);
  pause_ms(100);
  expect(count_hosts() > 0, "the host runs");
  kill(parent, SIGKILL);
  waitpid(parent, NULL, 0);
  expect_no_hosts("no process is left when the parent is killed");
}

struct job {
  int32_t handle;
  uint32_t batches;
  bool ok;
};

static void *job_thread(void *argument) {
  struct job *job = argument;
  job->ok = true;
  for (uint32_t i = 0; i < job->batches; i++) {
    check_common(job->handle, "one of two handles");
    lockstep_bridge_trim(job->handle);
  }
  return NULL;
}

static void check_two_at_once(const char *command, const char *toy, const char *plain) {
  struct job jobs[2] = {{open_or_fail(command, toy, 2000), 20, false}, {open_or_fail(command, plain, 2000), 5, false}};
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, job_thread, &jobs[i]);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < 2; i++) lockstep_bridge_close(jobs[i].handle);
}

/* ---- sizes ---- */

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void bench(const char *command, const char *runtime) {
  enum { PROGRAMS = 1000, BATCHES = 30 };
  static const char *const mix =
      "8 0 2 | log 1; yield; sleep 5; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| yield; log 1; sleep 3; log 2; yield; wake 2; yield; log 3; sleep 1; log 4"
      "| log 1; yield; sleep 5; write 0 3; yield; wake 1; yield; read 0 3; sleep 1; log 4"
      "| log 1; yield; sleep 7; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| log 1; yield; sleep 2; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| log 1; yield; sleep 9; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| log 1; yield; sleep 5; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| log 1; yield; sleep 4; log 2; yield; wake 1; yield; log 3; sleep 1; log 4"
      "| spawn 0; spawn 1; spawn 2; spawn 3; spawn 4; spawn 5; spawn 6; spawn 7; run; deinit |";
  static const char *const empty = "0 0 0 | |";
  const int32_t handle = open_or_fail(command, runtime, 5000);
  printf("%s\n", lockstep_bridge_report());
  void *memory = lockstep_bridge_memory(handle);
  const char *programs[PROGRAMS];
  for (int which = 0; which < 3; which++) {
    const uint32_t count = which == 2 ? 1 : PROGRAMS;
    for (int i = 0; i < PROGRAMS; i++) programs[i] = which == 0 ? mix : empty;
    fill(memory, programs, count);
    double best = 1e9;
    for (int i = 0; i < BATCHES; i++) {
      const double start = seconds_now();
      LOCKSTEP_MUST(lockstep_bridge_replay(handle) == 0, "the host survives the benchmark");
      const double took = seconds_now() - start;
      if (took < best) best = took;
    }
    printf("%-28s %8.3f us a program (%.0f programs/s), %.0f words a trace\n",
           which == 0 ? "8 fibers x 10 ops, x 1,000" : which == 1 ? "empty, x 1,000" : "empty, x 1", best / count * 1e6,
           count / best, (double)trace_end(memory, count - 1) / count);
  }
  lockstep_bridge_close(handle);
}

/* 99,999 fibers started by one, each with ten ops; and ten million ops of one fiber. */
static void check_sizes(int32_t handle) {
  enum { FIBERS = 90000 };
  void *memory = lockstep_bridge_memory(handle);
  int32_t *words = programs_of(memory);
  int32_t *row = words + LOCKSTEP_PROGRAM_HEADER_WORDS;
  int32_t *ops = row + (FIBERS + 2) * LOCKSTEP_PROGRAM_BODY_WORDS;
  int32_t *word = ops;
  const int32_t body[] = {LOCKSTEP_OP_LOG, 1, 0, LOCKSTEP_OP_YIELD, 0, 0, LOCKSTEP_OP_LOG, 2, 0};
  for (int i = 0; i < FIBERS + 2; i++, row += LOCKSTEP_PROGRAM_BODY_WORDS) {
    int32_t *first = word;
    if (i < FIBERS) {
      memcpy(word, body, sizeof body);
      word += 9;
    } else if (i == FIBERS) {
      for (int32_t fiber = 0; fiber < FIBERS; fiber++) {
        *word++ = LOCKSTEP_OP_SPAWN;
        *word++ = fiber;
        *word++ = 0;
      }
      *word++ = LOCKSTEP_OP_RUN;
      *word++ = 0;
      *word++ = 0;
    }
    const int32_t content[] = {(int32_t)((first - ops) / 3), (int32_t)((word - first) / 3), 0, 0};
    memcpy(row, content, sizeof content);
  }
  const int32_t count = (int32_t)((word - ops) / 3);
  const int32_t header[] = {LOCKSTEP_PROGRAM_MAGIC, (int32_t)(word - words), FIBERS, 0, 0, count, count, 0};
  memcpy(words, header, sizeof header);
  ((struct lockstep_batch *)memory)->programs = 1;
  double start = seconds_now();
  expect(lockstep_bridge_replay(handle) == 0, "90,000 fibers");
  printf("90,000 fibers: %.3f s, %u words\n", seconds_now() - start, trace_end(memory, 0));
  char *text = show_trace(memory, 0);
  const size_t length = strlen(text);
  expect_text("90,000 fibers", text + length - strlen("completed"), "completed");
  free(text);

  const char *const long_program = "1 0 0 | repeat 1000000 9; log 1; log 2; log 3; yield; log 5; log 6; log 7; log 8; yield | spawn 0; run |";
  fill(memory, &long_program, 1);
  start = seconds_now();
  expect(lockstep_bridge_replay(handle) == 0, "9,000,000 ops executed");
  printf("9,000,000 ops: %.3f s, %u words\n", seconds_now() - start, trace_end(memory, 0));
  expect(trace_end(memory, 0) > 9000000 * 2, "9,000,000 ops leave their records");
  start = seconds_now();
  lockstep_bridge_trim(handle);
  printf("trim: %.3f s\n", seconds_now() - start);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IONBF, 0);
  if (argc == 4 && strcmp(argv[1], "--bench") == 0) {
    bench(argv[2], argv[3]);
    return 0;
  }
  LOCKSTEP_MUST(argc == 3 || argc == 4, "usage: see the head of replay-smoke.c");
  const char *command = argv[1];
  folder = argv[2];
  char toy[1024];
  char plain[1024];
  snprintf(toy, sizeof toy, "%s/toy.so", folder);
  snprintf(plain, sizeof plain, "%s/toy-plain.so", folder);

  check_reports(command);
  const int32_t hooked = open_or_fail(command, toy, 500);
  check_common(hooked, "toy");
  check_examples(hooked, "toy", worlds, COUNT(worlds));
  check_examples(hooked, "toy", faults, COUNT(faults));
  check_examples(hooked, "toy", printed_hooked, COUNT(printed_hooked));
  check_large_batch(hooked);
  check_many_panics(hooked);
  check_runaway(hooked);
  lockstep_bridge_close(hooked);

  const int32_t unhooked = open_or_fail(command, plain, 500);
  check_common(unhooked, "toy-plain");
  check_examples(unhooked, "toy-plain", hang_alone, COUNT(hang_alone));
  check_examples(unhooked, "toy-plain", faults, COUNT(faults));
  check_examples(unhooked, "toy-plain", printed_plain, COUNT(printed_plain));
  check_large_batch(unhooked);
  lockstep_bridge_close(unhooked);

  if (argc == 4) {
    const int32_t sched = open_or_fail(command, argv[3], 2000);
    printf("%s\n", lockstep_bridge_report());
    check_common(sched, argv[3]);
    check_examples(sched, argv[3], worlds, COUNT(worlds));
    check_many_panics(sched);
    check_sizes(sched);
    lockstep_bridge_close(sched);
  }
  check_corrupt_program(command, toy);
  check_two_at_once(command, toy, plain);
  expect_no_hosts("no process is left after the last close");
  check_close_while_running(command, toy);
  check_parent_killed(command, toy, NULL);
  check_parent_killed(command, toy, "1 0 0 | sleep 1003 | spawn 0; run |");
  printf(failures ? "%d checks failed\n" : "all checks hold\n", failures);
  return failures ? 1 : 0;
}
