/*
 * What Node calls through ffi-rs: open a replayer for one runtime, hand it batches, close it.
 *
 * The caller's process never loads or runs a runtime: each open replayer is a host process of its own (host.c).
 * Everything here returns at once except lockstep_bridge_open (until the runtime is loaded and described) and
 * lockstep_bridge_replay and _warm_up (until the batch is done); call those three off the main thread. All may be called
 * from any thread: several handles may replay at once, opens wait for one another, and a close ends a replay of its handle.
 */
#ifndef LOCKSTEP_BRIDGE_H
#define LOCKSTEP_BRIDGE_H

#include <stdint.h>

/*
 * Starts a host and lets it load a runtime. `command` is the host's argv as one string, arguments separated by '\n':
 * the path of the host program, or an emulator, its options and that path. `runtime_path` is a shared library.
 * `time_limit_ms`: how long a program may go on without writing a record before its worker is killed (> 0).
 * `memory_limit_mib`: how much private memory a worker may have before it is killed (> 0).
 * Returns a handle >= 0, or -1: then, or when the runtime cannot be used, lockstep_bridge_report() says why.
 */
int32_t lockstep_bridge_open(const char *command, const char *runtime_path, int32_t time_limit_ms,
                             int32_t memory_limit_mib);

/*
 * One line about the last open: "ok\t<name>\t<hooks>" where hooks is a sum of 1 (idle hook) and 2 (panic hook), or
 * "error\t<code>\t<what was wrong>" with code one of: host, load, symbol, abi, crash. Valid until the next open,
 * so a caller keeps an open and the reading of its report together.
 */
const char *lockstep_bridge_report(void);

/*
 * The shared memory of batch.h, or NULL for a handle that is not open. After lockstep_bridge_close it can still be read, as
 * zeros, until the handle is given out again, as the memory of another.
 */
void *lockstep_bridge_memory(int32_t handle);

/* The descriptor of that memory, for another process of the caller's to map or read; -1 for a handle that is not open. */
int32_t lockstep_bridge_memory_fd(int32_t handle);

/* Runs the batch in the shared memory. Returns 0, or -1 when the host has died (the handle is only good to close). */
int32_t lockstep_bridge_replay(int32_t handle);

/*
 * Runs the batch in the shared memory unseen, to have workers of large batches start with what it has made ready: under an
 * emulator, the translations of the code. At most once a handle. Returns as lockstep_bridge_replay().
 */
int32_t lockstep_bridge_warm_up(int32_t handle);

/* Gives the memory of large traces back to the system. To be called between batches. */
void lockstep_bridge_trim(int32_t handle);

/*
 * Serves the handle to another process of the caller's, which has its memory, over the socket `fd`, until that is closed:
 * for each byte that comes, LOCKSTEP_CONTROL_RUN, _WARM_UP or _TRIM of control.h, does so, and answers with a byte,
 * LOCKSTEP_CONTROL_DONE, or _LOST when the host has died. Returns 0; to be called off the main thread.
 */
int32_t lockstep_bridge_serve(int32_t handle, int32_t fd);

/* Ends the host and every process under it, and gives the memory back. Idempotent. */
void lockstep_bridge_close(int32_t handle);

#endif
