/**
 * What a page is given: the program and the traces, as the command has them. Everything else the page works out for itself, with the same
 * code as the command: it decodes the traces and asks the model for its state at any record.
 */
import type { Program } from "../sim/program.js";

export interface ViewSide {
  /** The target's name. */
  readonly on: string;
  /** The trace in words (docs/encoding.md), as base64 of little-endian bytes. */
  readonly trace: string;
}

export interface ViewDivergence {
  /** Number of the first divergent record. */
  readonly index: number;
  readonly sentence: string;
}

export interface ViewData {
  readonly title: string;
  /** The command that makes this page again. */
  readonly again: string;
  readonly program: Program;
  /** The expected side first. */
  readonly sides: readonly ViewSide[];
  /** Of each side from the first; the first side has none. */
  readonly divergences: readonly (ViewDivergence | null)[];
  /** Who is stuck for good and why, in lines; empty where nobody is. */
  readonly forensics: readonly string[];
  /** The record that makes the first of them stuck, where the page opens unless the targets diverge. */
  readonly stuckFrom?: number;
}

/** Id of the element that holds the data as JSON. */
export const DATA_ELEMENT = "lockstep-data";
