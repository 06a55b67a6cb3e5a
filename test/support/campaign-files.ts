/** Records of campaigns, made by the command, and XML read back by a parser that takes nothing that is not well-formed. */
import { join } from "node:path";
import { SaxesParser } from "saxes";
import { lockstep } from "./command.js";

/** Runs `sim`, in one piece or as a shard, and gives the path of its record. Status 0 or 1, or it throws. */
export function recordOf(cwd: string, name: string, ...args: string[]): string {
  const { status, stderr } = lockstep(["sim", "--no-save", "--out", name, ...args], { cwd });
  if (status !== 0 && status !== 1) throw new Error(`sim ended with ${status}: ${stderr}`);
  return join(cwd, name);
}

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: XmlElement[];
  text: string;
}

/** The root of a document. @throws where it is not well-formed. */
export function readXml(text: string): XmlElement {
  const root: XmlElement = { name: "", attributes: {}, children: [], text: "" };
  const open = [root];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name, attributes }) => {
    const element: XmlElement = { name, attributes, children: [], text: "" };
    open.at(-1)!.children.push(element);
    open.push(element);
  });
  parser.on("closetag", () => void open.pop());
  parser.on("text", (part) => {
    open.at(-1)!.text += part;
  });
  parser.write(text).close();
  return root.children[0]!;
}

/** What the readers of JUnit's XML agree on (Jenkins' schema): by element, the attributes it may have, those it must, and its children. */
const JUNIT: Readonly<Record<string, readonly [may: string[], must: string[], children: string[]]>> = {
  testsuites: [["name", "tests", "failures", "errors", "time"], [], ["testsuite"]],
  testsuite: [
    ["name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package"],
    ["name", "tests", "failures", "errors"],
    ["properties", "testcase", "system-out", "system-err"],
  ],
  properties: [[], [], ["property"]],
  property: [["name", "value"], ["name", "value"], []],
  testcase: [
    ["name", "classname", "time"],
    ["name"],
    ["skipped", "error", "failure", "system-out", "system-err"],
  ],
  failure: [["type", "message"], [], []],
  error: [["type", "message"], [], []],
};

/** Where the document is not as JUnit's schema has it; empty where it is. */
export function junitComplaints(element: XmlElement): string[] {
  const rules = JUNIT[element.name];
  if (rules === undefined) return [`unknown element ${element.name}`];
  const [may, must, children] = rules;
  const names = Object.keys(element.attributes);
  return [
    ...names.filter((name) => !may.includes(name)).map((name) => `${element.name} may not have ${name}`),
    ...must.filter((name) => !names.includes(name)).map((name) => `${element.name} lacks ${name}`),
    ...element.children
      .filter(({ name }) => !children.includes(name))
      .map(({ name }) => `${element.name} may not hold ${name}`),
    ...element.children.flatMap(junitComplaints),
  ];
}
