/** What the command, the library and the tests take where nobody says. Imports nothing: the command reads it before it knows what to do. */

/** The corpus: a folder of the current one. */
export const CORPUS_DEFAULT = "corpus";

/** How long shrinking may take, in milliseconds. */
export const SHRINK_MS = 10_000;

/** Where a campaign notes how far it is: a folder of the current one. */
export const JOURNAL_DEFAULT = ".lockstep";

/** How much of a campaign is run twice, in percent. */
export const CANARY_PERCENT = 1;
