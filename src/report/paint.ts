/** How a part of a report is coloured, where it is: a style of `util.styleText` around a text. Reports never decide whether. */
import type { styleText } from "node:util";

export type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** No colour: for files and for messages of errors. */
export const plain: Paint = (_, text) => text;
