/*
 * What bridge.c and host.c say to each other over the control socket (SOCK_SEQPACKET), and where the host finds things.
 *
 *   host    the report of bridge.h, one packet, once
 *   bridge  LOCKSTEP_CONTROL_RUN: run the batch in the shared memory
 *   host    LOCKSTEP_CONTROL_DONE: all its traces are closed
 *   bridge  LOCKSTEP_CONTROL_WARM_UP: run the batch unseen, once, to be ready for large ones
 *   host    LOCKSTEP_CONTROL_DONE
 *
 * Either side's end of the socket closing ends the other's use of it: the host then exits.
 */
#ifndef LOCKSTEP_CONTROL_H
#define LOCKSTEP_CONTROL_H

#define LOCKSTEP_CONTROL_FD 3
#define LOCKSTEP_MEMORY_FD 4
#define LOCKSTEP_CONTROL_RUN 'r'
#define LOCKSTEP_CONTROL_WARM_UP 'w'
#define LOCKSTEP_CONTROL_DONE 'd'
#define LOCKSTEP_CONTROL_TRIM 't' /* to a bridge that serves another process, and LOST its answer */
#define LOCKSTEP_CONTROL_LOST 'l'
#define LOCKSTEP_REPORT_BYTES 2048

#endif
