/*
 * Faults of the runtime under test become outcomes: stack-overflow or crash (SPEC section 4).
 */
#ifndef LOCKSTEP_FAULTS_H
#define LOCKSTEP_FAULTS_H

/* Installs the handlers on a stack of their own. A fault closes the trace and ends the worker, but for the op `overflow`. */
void lockstep_faults_catch(void);

#endif
