// How far visitors come, for forms whose file says `measure: progress`: which questions were touched and which was the
// last, by their names and never by an answer. Told once, when the page is left or put away.
(() => {
  "use strict";

  const form = document.querySelector("form[data-thanks]");
  if (!form) return;
  const touched = new Set();
  let last = "";
  let isSent = false;
  let isTold = false;

  function note({ target }) {
    if (!target.name || !target.closest(".field")) return;
    touched.add(target.name);
    last = target.name;
  }

  function tell() {
    if (isTold || !touched.size) return;
    isTold = true;
    const sent = isSent || !form.isConnected || form.getAttribute("aria-busy") === "true";
    const said = new URLSearchParams([...touched].map((name) => ["touched", name]));
    said.append("last", last);
    said.append("sent", Number(sent));
    for (const { name, value } of form.querySelectorAll("input[type=hidden]")) {
      if (/^(page_url|utm_source|utm_medium|utm_campaign)$/.test(name)) said.append(name, value);
    }
    navigator.sendBeacon(`${form.getAttribute("action")}/progress`, said);
  }

  form.addEventListener("input", note);
  form.addEventListener("submit", (event) => {
    isSent = !event.defaultPrevented;
  });
  window.addEventListener("pagehide", tell);
  document.addEventListener("visibilitychange", () => document.hidden && tell());
})();
