/*
 * What this process holds of the system's: descriptors, heap, mappings. Two looks tell what has grown in between.
 */
#ifndef LOCKSTEP_HOLDINGS_H
#define LOCKSTEP_HOLDINGS_H

#include <stdint.h>

struct lockstep_holdings {
  uint64_t fds; /* how many there are, below the eighth number that is free */
  uint64_t heap_bytes;   /* given out by malloc and not freed */
  uint64_t mapped_bytes; /* of all mappings, without the heap */
};

/* A look. Takes some tens of microseconds, under qemu-user milliseconds, and touches none of the three. */
struct lockstep_holdings lockstep_holdings_now(void);

/*
 * The same without a look at each mapping. Under qemu-user its own mappings are counted too, so what has grown by two
 * glances is worth a closer look, and what has not grown has not. Not to be compared with lockstep_holdings_now().
 */
struct lockstep_holdings lockstep_holdings_at_a_glance(void);

/* What has grown, as bits of LOCKSTEP_LEAK_..., memory by more than `slack_bytes`. */
uint32_t lockstep_holdings_grown(const struct lockstep_holdings *before, const struct lockstep_holdings *after,
                                 uint64_t slack_bytes);

#endif
