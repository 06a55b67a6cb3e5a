/*
 * Loads a runtime and looks whether it is one (SPEC section 5).
 */
#ifndef LOCKSTEP_RUNTIME_LOADER_H
#define LOCKSTEP_RUNTIME_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#include "../../../include/lockstep.h"
#include "output.h"

enum { LOCKSTEP_HOOK_IDLE = 1, LOCKSTEP_HOOK_PANIC = 2 };

struct lockstep_load_report {
  bool ok;
  char code[8];    /* of bridge.h, where not ok: load, symbol, abi, crash */
  char text[1024]; /* ok: the runtime's name; else what was wrong, with the path; one line, no tabs */
};

/* Which hooks the runtime has: a sum of LOCKSTEP_HOOK_... */
uint32_t lockstep_runtime_hooks(const lockstep_runtime *runtime);

/* Loads the runtime into this process. Returns NULL when it cannot be used; the report says why. */
const lockstep_runtime *lockstep_runtime_load(const char *path, struct lockstep_load_report *report);

/*
 * Loads the runtime in a child process, which may crash or hang in it, and waits at most `time_limit_ms`. What it prints
 * goes to the output. Returns false, with the report, when it is not to be loaded here. `alive` is asked every few
 * milliseconds whether to go on.
 */
bool lockstep_runtime_probe(const char *path, int32_t time_limit_ms, const struct lockstep_output *output,
                            struct lockstep_load_report *report, bool (*alive)(int wait_ms, int fd));

#endif
