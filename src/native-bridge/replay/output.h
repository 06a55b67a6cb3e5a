/*
 * What a worker prints, kept in memory: the last line of a runtime without a panic hook is its panic (SPEC section 5).
 *
 * The host makes it, and its workers have it as standard output and standard error. Its first byte is mapped, so that
 * asking whether anything was printed costs no system call.
 */
#ifndef LOCKSTEP_OUTPUT_H
#define LOCKSTEP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct lockstep_output {
  int fd;
  volatile char *first_page;
};

/* Returns false, with errno, when the system has no memory for it. */
bool lockstep_output_open(struct lockstep_output *output);

/* Forgets what was printed. Does nothing when nothing was. */
void lockstep_output_clear(struct lockstep_output *output);

/* The same in the host, for a worker that is gone: what it printed may begin with anything. */
void lockstep_output_reset(struct lockstep_output *output);

/* Copies the end of what was printed, at most `size` bytes. Returns how many. */
size_t lockstep_output_tail(const struct lockstep_output *output, char *tail, size_t size);

/*
 * Copies the last line that begins with `prefix`, without its end of line, at most `size` bytes. Returns its length, or
 * -1 when there is no such line.
 */
long lockstep_output_last_line(const struct lockstep_output *output, const char *prefix, char *line, size_t size);

#endif
