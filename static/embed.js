// Puts a form where its <script data-form="…"> stands, or improves the frame that a snippet holds already: its height,
// where the visit came from, the way to the next page. It stores nothing and sends nothing but messages to that frame.
(() => {
  "use strict";
  if (typeof window.leadferry === "function") return window.leadferry();

  const CAMPAIGN = /^(utm_\w+|gclid|gclsrc|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|twclid|li_fat_id|ScCid)$/;
  const places = [];
  const seen = new WeakSet();

  // May be called again: it looks for what came to the page since.
  const scan = (window.leadferry = () => {
    const boxes = document.querySelectorAll("[data-leadferry]");
    for (const script of document.querySelectorAll('script[data-form][src*="/embed.js"]')) {
      const isEarly = document.readyState === "loading" && script.closest("head");
      if (!isEarly && !seen.has(script)) place(script, boxes);
    }
    for (const box of boxes) improve(box);
  });

  function place(script, boxes) {
    const { form } = script.dataset;
    const isFree = (box) => box.dataset.leadferry === form && !seen.has(box);
    const box =
      script.closest("[data-leadferry]") || [...boxes].find((box) => isFree(box) && !box.querySelector("script"));
    seen.add(script);
    if (box) return improve(box, script);
    const made = document.createElement("div");
    made.dataset.leadferry = form;
    if (script.closest("head")) document.body.append(made);
    else script.after(made);
    improve(made, script);
  }

  function improve(box, script = box.querySelector("script[data-form]")) {
    if (seen.has(box)) return;
    const form = box.dataset.leadferry;
    const found = box.querySelector("iframe");
    const base = script && script.src ? script.src.split("/embed.js")[0] : found && found.src.split("/f/")[0];
    if (!base) return;
    seen.add(box);
    const frame = found || document.createElement("iframe");
    const names = (box.dataset.fields || (script && script.dataset.fields) || "").split(",");
    const each = { box, form, frame, names, origin: new URL(base).origin };
    frame.style.border = 0;
    frame.style.width = "100%";
    places.push(each);
    if (found) return tell(each, "hello", {}, "*"); // it may have loaded, and called, before this script came
    each.exact = true;
    frame.style.height = (script.dataset.height || 600) + "px";
    frame.title = script.dataset.title || "Form";
    frame.name = "leadferry-embed-1"; // by which the form knows how it got here
    frame.referrerPolicy = "no-referrer-when-downgrade";
    frame.src = base + "/f/" + encodeURIComponent(form);
    box.prepend(frame);
    setTimeout(() => each.ready || offerLink(each), 6000);
  }

  // Something keeps the frame from working.
  function offerLink({ box, frame }) {
    const link = document.createElement("a");
    link.href = frame.src;
    link.target = "_top";
    link.textContent = frame.title;
    box.append(link);
  }

  // --- what the form says ---

  addEventListener("message", (message) => {
    const { data, origin, source } = message;
    const each = source && places.find(({ frame }) => frame.contentWindow === source);
    if (!each || !data || data.source !== "leadferry" || data.v !== 1 || data.form !== each.form) return;
    if (origin !== each.origin && !(origin === "null" && isSandboxed(each))) return;
    if (!Object.hasOwn(answers, data.event)) return;
    const event = new CustomEvent("leadferry:" + data.event, { bubbles: true, cancelable: true, detail: data });
    if (each.box.dispatchEvent(event)) answers[data.event](each, data, origin);
  });

  const answers = {
    ready(each, data, origin) {
      each.ready = true;
      const scheme = isDark(each.box) ? "dark" : "light";
      each.frame.style.colorScheme = scheme; // where they differ, browsers paint a frame's background white or black
      for (const link of each.box.querySelectorAll("[data-fallback]")) link.style.visibility = "hidden";
      tell(each, "campaign", { values: visit(each.names), scheme }, origin === "null" ? "*" : origin);
    },
    height(each, { height }) {
      const { frame } = each;
      if (!(height > 0)) return;
      const { clientHeight, clientWidth } = frame;
      each.reserved ??= { height: each.exact ? 0 : clientHeight, width: clientWidth };
      const spare = clientWidth === each.reserved.width ? each.reserved.height - height : -1;
      const isSmall = spare >= 0 && spare < 64 + height / 20; // a gap is better than a page that moves
      frame.style.height = (isSmall ? each.reserved.height : height) + "px";
    },
    submitted(each, { form, lead }) {
      report({ event: "leadferry_submitted", form, lead });
      bringIntoView(each.frame);
    },
    error(each, { form, error_code }) {
      report({ event: "leadferry_error", form, error_code });
      bringIntoView(each.frame);
    },
    redirect(each, { url }) {
      try {
        if (/^https?:\/\//i.test(url)) top.location.href = url;
      } catch (error) {
        tell(each, "stuck", {}, "*"); // a sandbox forbids it; the frame shows a link
      }
    },
  };

  function tell({ frame, form }, event, more, origin) {
    frame.contentWindow.postMessage({ source: "leadferry", v: 1, event, form, ...more }, origin);
  }

  function isSandboxed({ frame }) {
    return window.origin === "null" || frame.hasAttribute("sandbox");
  }

  function isDark(box) {
    const colours = getComputedStyle(box).color.match(/^rgba?\((\d+), (\d+), (\d+)/) || [];
    return +colours[1] + +colours[2] + +colours[3] > 382;
  }

  function report(event) {
    if (window.dataLayer && dataLayer.push) dataLayer.push(event);
  }

  function bringIntoView(frame) {
    const { top: edge } = frame.getBoundingClientRect();
    if (edge < 0 || edge > innerHeight - 48) frame.scrollIntoView();
  }

  // --- where the visit came from ---

  // Site builders put pasted code into frames of their own, so this is about the outermost page that may be read. The
  // first page of the visit that says anything wins: as the tab's history tells, else the referrer of the same site.
  function visit(names) {
    let page = window;
    try {
      while (page !== page.parent && page.parent.location.href) page = page.parent;
    } catch (error) {
      // That one belongs to another site.
    }
    const { referrer } = page.document;
    const isOutermost = page === page.parent;
    const here = isOutermost || !referrer ? page.location.href : referrer;
    const values = { page_url: here, referrer: isOutermost ? referrer : "" };
    const isOfSite = referrer && new URL(referrer).host === page.location.host;
    for (const address of [...history(page), isOfSite && referrer, here, location.href]) {
      const found = address ? [...new URL(address).searchParams] : [];
      const wanted = found.filter(([name, value]) => value && (CAMPAIGN.test(name) || names.includes(name)));
      if (wanted.length) return Object.assign(Object.fromEntries(wanted), values);
    }
    return values;
  }

  function history({ navigation }) {
    const now = navigation && navigation.currentEntry;
    return now ? navigation.entries().slice(0, now.index).map((entry) => entry.url) : [];
  }

  scan();
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", scan);
})();
