/*
 * defects.h: the places where this runtime can be built wrong on purpose, one slip a build.
 *
 * SCHED_DEFECT(NAME) is 1 in a build with -DSCHED_DEFECT_NAME and 0 in every other, in C, in #if and in assembly alike. A
 * normal build defines none, so each use folds away and its code is that of a source without this header. What each name
 * stands for is in ../defects.ts; a test holds that list against the uses in these sources.
 *
 * Source of the expansion: IS_ENABLED of Linux (include/linux/kconfig.h).
 */
#ifndef SCHED_DEFECTS_H
#define SCHED_DEFECTS_H

#define SCHED_DEFECT(name) SCHED_DEFECT_EXPANDED(SCHED_DEFECT_##name)
#define SCHED_DEFECT_EXPANDED(value) SCHED_DEFECT_VALUE(value)

/* SCHED_DEFECT_NAME has been expanded by here: to 1, or not at all. Only the 1 makes a comma, which moves the 1 to second place. */
#define SCHED_DEFECT_VALUE(value) SCHED_DEFECT_PROBE(SCHED_DEFECT_COMMA_##value)
#define SCHED_DEFECT_COMMA_1 0,
#define SCHED_DEFECT_PROBE(comma) SCHED_DEFECT_SECOND(comma 1, 0, 0)
#define SCHED_DEFECT_SECOND(first, second, ...) second

#endif
