/**
 * One self-contained HTML document: the page's code, its style and its data in one file that needs no network and no server.
 *
 * The policy in its head forbids every request, so that a page from a stranger's CI can show itself and do nothing else.
 */
import { DATA_ELEMENT, type ViewData } from "./view-data.js";

export interface PageAssets {
  /** The bundled code (`scripts/build-page.mjs`). */
  readonly script: string;
  readonly style: string;
  /** The style of the campaign's report. */
  readonly campaignStyle: string;
}

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

export function pageHtml(data: ViewData, { script, style }: Pick<PageAssets, "script" | "style">): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>${escapeHtml(data.title)} - Lockstep</title>
<style>${style}</style>
</head>
<body>
<script type="application/json" id="${DATA_ELEMENT}">${jsonForHtml(data)}</script>
<script>${script.replaceAll("</script", "<\\/script")}</script>
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** JSON in which no tag and no comment can begin. */
function jsonForHtml(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}
