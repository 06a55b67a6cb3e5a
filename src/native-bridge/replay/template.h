/*
 * A template: a worker that runs no program of a batch itself but forks the ones that do, each as it stands.
 *
 * Becoming a worker costs some system calls, and under qemu-user, where each costs microseconds and an unmapping of the
 * batch memory milliseconds, more than a hundred programs. A template does it once. A warm one has run some programs
 * besides: its forks have the emulator's translations of what they will run, which costs tens of milliseconds else.
 *
 * Invariant: no two programs of a batch, and no two workers, run in the template's memory one after the other, so what a
 * worker does depends on its own programs, and in a warm template's worker on the programs of the warm-up, which are
 * always the same.
 */
#ifndef LOCKSTEP_TEMPLATE_H
#define LOCKSTEP_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "worker.h"

struct lockstep_template {
  pid_t pid;  /* 0: there is none */
  int socket; /* to the template, a packet a message */
};

/* What a template says of a worker that has ended. */
struct lockstep_worker_end {
  int status;      /* as waitpid() gives it */
  bool had_strays; /* it left processes behind, which are dead now */
};

/*
 * Forks a template. With `warm_up_programs` it runs the first so many programs of the batch in memory; it is not ready
 * before that, and dies when a program ends it or changes its process. Returns false when the system cannot fork.
 */
bool lockstep_template_start(struct lockstep_template *template, const struct lockstep_worker *worker,
                             uint32_t warm_up_programs);

/* Whether a template is ready, once its socket is readable: false when it has died instead. */
bool lockstep_template_is_ready(const struct lockstep_template *template);

/* Asks for a worker that runs `count` programs, 1 at least, from `at_words` on. Returns false when the template is dead. */
bool lockstep_template_order(const struct lockstep_template *template, uint32_t at_words, uint32_t count);

/* The id of that worker, once the socket is readable; -1 when the template is dead. */
pid_t lockstep_template_read_worker(const struct lockstep_template *template);

/*
 * Asks for the end of the worker. The template does it, which alone knows whether that id is still the worker's. Does
 * nothing where the worker has ended.
 */
void lockstep_template_kill_worker(const struct lockstep_template *template);

/* Lets a template go on that its worker has stopped. Does nothing where it has not. */
void lockstep_template_resume(const struct lockstep_template *template);

/* Reads how that worker has ended, once the socket is readable. Returns false when the template is dead. */
bool lockstep_template_read_end(const struct lockstep_template *template, struct lockstep_worker_end *end);

/* Ends the template, and with it a worker that it has. Does nothing when there is none. */
void lockstep_template_end(struct lockstep_template *template);

#endif
