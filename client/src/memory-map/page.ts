/** The HTML of the memory map. Only our own script and style sheet are loaded, and nothing from elsewhere. */

export interface PageResources {
  /** As the webview may load them. */
  readonly script: string;
  readonly style: string;
  /** What `webview.cspSource` says. */
  readonly source: string;
  readonly nonce: string;
}

export const pageOf = ({ script, style, source, nonce }: PageResources): string => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${source}; script-src 'nonce-${nonce}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${style}">
<title>Memory map</title>
</head>
<body>
<header>
<h1 id="status">No scenario is being stepped through.</h1>
<label>Frames <select id="space"><option value="guest">guest (gfn)</option><option value="host">host (pfn)</option></select></label>
<label>Filter <input id="filter" type="text" placeholder="private rmp:assigned changed" spellcheck="false"></label>
<span><button id="zoom-out" aria-label="Zoom out">−</button> <span id="zoom">4 KiB</span> <button id="zoom-in" aria-label="Zoom in">+</button></span>
</header>
<ul id="legend" aria-label="Bands of each row, from the top"></ul>
<main>
<div id="stage">
<div id="scroller" tabindex="0" role="grid" aria-label="Memory map. Arrow keys move between pages, plus and minus zoom, w watches a page, Enter opens the line that changed it last." aria-activedescendant="cell" aria-colcount="64">
<canvas id="map" aria-hidden="true"></canvas>
<div id="spacer"></div>
<div role="row" class="hidden"><div role="gridcell" id="cell" aria-selected="true"></div></div>
</div>
</div>
<section id="details" aria-label="The selected page"></section>
</main>
<footer>
<div id="scrub"><button id="back" aria-label="One step back">◀</button><input id="position" type="range" min="0" max="0" value="0" aria-label="Step of the run"><button id="forward" aria-label="One step forward">▶</button><span id="position-text"></span></div>
<canvas id="timeline" aria-hidden="true" height="0"></canvas>
</footer>
<div id="live" class="hidden" aria-live="polite"></div>
<script nonce="${nonce}" src="${script}"></script>
</body>
</html>
`;
