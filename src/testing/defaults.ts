/** What the command, the library and the tests take where nobody says. Imports nothing: the command reads it before it knows what to do. */

/** The corpus: a folder of the current one. */
export const CORPUS_DEFAULT = "corpus";

/** How long shrinking may take, in milliseconds. */
export const SHRINK_MS = 10_000;
