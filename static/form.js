// What a form's pages do for their visitor where scripts run. Without this file they work all the same: the form is
// posted plainly, and the server answers with a page.
//
// The request that carries the lead never moves a page: the answers go by fetch, and only what comes back leads on.
(() => {
  "use strict";

  const root = document.documentElement;
  const main = document.querySelector("main");
  const form = document.querySelector("form[data-thanks]"); // the thank-you page has none
  const button = form && form.querySelector("button[type=submit]");
  const words = form && JSON.parse(form.dataset.words);
  const isFramed = window.parent !== window;

  let hostOrigin; // of the page that frames this one, once its script has answered
  let heightTold = 0;
  let isBusy = false;
  let isPlain = false; // something between here and the server lets no fetch through: a plain form may get through

  // --- the page that frames this one ---

  function tellHost(event, more) {
    const message = { source: "leadferry", v: 1, event, form: root.dataset.form, ...more };
    if (isFramed) window.parent.postMessage(message, hostOrigin || "*");
  }

  // Its script answers "ready", or calls "hello" where it came later. The first to answer is talked to alone from then.
  function hear({ source, origin, data }) {
    if (source !== window.parent || !data || data.source !== "leadferry" || data.v !== 1) return;
    if (data.form !== root.dataset.form) return;
    if (data.event === "hello") {
      tellHost("ready");
      tellHeight();
    }
    if (data.event === "campaign" && !hostOrigin) {
      hostOrigin = origin === "null" ? "*" : origin;
      if (root.classList.contains("clear")) root.style.colorScheme = data.scheme === "dark" ? "dark" : "light";
      if (form) keepCampaign(data.values || {});
    }
  }

  function height() {
    return Math.ceil(root.getBoundingClientRect().height);
  }

  function tellHeight() {
    heightTold = height();
    if (heightTold > 0) tellHost("height", { height: heightTold });
  }

  // Where the visit came from, into hidden fields. What this page's own address said was put there on purpose, so it
  // stays; what the server could only guess gives way.
  function keepCampaign(values) {
    for (const guess of form.querySelectorAll("[data-guess]")) guess.value = "";
    const page = queryOf(values.page_url);
    for (const name of JSON.parse(form.dataset.campaign)) {
      const value = values[name] || page.get(name);
      if (typeof value === "string" && value) keepHidden(name, value);
    }
  }

  function keepHidden(name, value) {
    const found = inputs(name)[0];
    if (found && found.value) return;
    const input = found || form.appendChild(document.createElement("input"));
    Object.assign(input, { type: "hidden", name, value: value.slice(0, 2048) });
  }

  function queryOf(address) {
    try {
      return new URL(address).searchParams;
    } catch (error) {
      return new URLSearchParams();
    }
  }

  // --- sending ---

  // A sandbox without allow-forms swallows the submit event, but not the click that would have caused it.
  function onClick(event) {
    if (isPlain) return;
    event.preventDefault();
    if (form.noValidate || form.reportValidity()) send();
  }

  function onSubmit(event) {
    if (isPlain) return;
    event.preventDefault();
    send();
  }

  async function send() {
    if (isBusy) return;
    setBusy(true);
    clearProblem();
    const answer = await post();
    if (!answer) {
      isPlain = navigator.onLine;
      showRefusal(words.unsent);
    } else if (answer.Message === "Success") succeed(answer);
    else fail(answer);
  }

  // The server's answer, or null where there is none, or one of something in between.
  async function post() {
    const headers = { Accept: "application/json" };
    const request = { method: "POST", body: new FormData(form), headers, credentials: "omit" };
    try {
      const answer = await (await fetch(form.getAttribute("action"), request)).json();
      return ["Success", "Error"].includes(answer.Message) ? answer : null;
    } catch (error) {
      return null;
    }
  }

  function succeed({ lead }) {
    const { success, thanks } = form.dataset;
    if (!isFramed) return location.assign(success || thanks);
    tellHost("submitted", { lead });
    showThanks(thanks);
    if (success) goTo(success);
  }

  // Where the vendor refused, nothing on this page can be corrected: the form's own error page, if any, takes over.
  function fail({ error_code, msg, errors }) {
    const isVendors = !errors.length && !["lf301", "lf501"].includes(error_code);
    tellHost("error", { error_code });
    if (errors.length) showErrors(errors);
    else showRefusal(words.refusals[error_code] || words.refusals.other);
    if (isVendors && form.dataset.error) goTo(withError(form.dataset.error, error_code, msg));
  }

  function goTo(url) {
    if (!isFramed) return location.assign(url);
    tellHost("redirect", { url });
    if (!hostOrigin) moveTop(url);
  }

  // False where a sandbox forbids it.
  function moveTop(url) {
    try {
      window.top.location.href = url;
      return true;
    } catch (error) {
      return false;
    }
  }

  function withError(address, error_code, msg) {
    const url = new URL(address);
    url.searchParams.append("error_code", error_code);
    url.searchParams.append("msg", msg);
    return url.href;
  }

  function setBusy(on) {
    isBusy = on;
    form.setAttribute("aria-busy", on);
    button.setAttribute("aria-disabled", on);
  }

  // --- what became of it, in the words and elements of the server's own pages ---

  async function showThanks(address) {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
      main.replaceChildren(...page.querySelector("main").childNodes);
      document.title = page.title;
      focusOn(main.querySelector("h1"));
    } catch (error) {
      location.replace(address);
    }
  }

  function showErrors(errors) {
    const list = document.createElement("ul");
    list.append(...inPageOrder(errors).map(listed));
    errors.forEach(markQuestion);
    showProblem(list);
  }

  function showRefusal([heading, sentence]) {
    const paragraph = document.createElement("p");
    paragraph.append(made("strong", { textContent: `${heading}.` }), ` ${sentence}`);
    showProblem(paragraph);
  }

  function showProblem(content) {
    const problem = made("div", { className: "problem", id: "problem" });
    problem.setAttribute("role", "alert");
    problem.setAttribute("aria-labelledby", "problem-title");
    problem.append(made("h2", { id: "problem-title", textContent: words.problem }), content);
    main.insertBefore(problem, form);
    document.title = words.error_title;
    setBusy(false);
    focusOn(problem);
  }

  function clearProblem() {
    const problem = document.getElementById("problem");
    if (problem) problem.remove();
    document.title = words.title;
    for (const note of form.querySelectorAll(".error")) {
      for (const each of [note.closest("fieldset"), ...form.querySelectorAll(`[aria-describedby~="${note.id}"]`)]) {
        if (each) unmark(each, note.id);
      }
      note.remove();
    }
  }

  function markQuestion({ field, message }) {
    const question = questionOf(field);
    if (!question) return;
    const control = question.matches("fieldset") ? question : inputs(field)[0];
    const id = `${control.id}-error`;
    const said = document.getElementById(id);
    if (said) return said.append(" ", message);
    const note = made("p", { className: "error", id, textContent: message });
    const above = question.querySelector(":scope > .help") || question.querySelector(":scope > label, :scope > legend");
    if (above) above.after(note);
    else question.prepend(note);
    control.setAttribute("aria-describedby", [id, control.getAttribute("aria-describedby")].filter(Boolean).join(" "));
    if (control.matches("[role=radiogroup], :not(fieldset)")) control.setAttribute("aria-invalid", "true");
  }

  function unmark(control, id) {
    const rest = (control.getAttribute("aria-describedby") || "").split(" ").filter((each) => each && each !== id);
    control.removeAttribute("aria-invalid");
    if (rest.length) control.setAttribute("aria-describedby", rest.join(" "));
    else control.removeAttribute("aria-describedby");
  }

  // One line of the summary; it leads to its question, if this page asks it.
  function listed({ field, message }) {
    const line = document.createElement("li");
    const question = questionOf(field);
    if (!question) {
      line.textContent = message;
      return line;
    }
    const label = question.querySelector("legend, label").firstChild.textContent.trim();
    const link = line.appendChild(document.createElement("a"));
    link.href = `#${inputs(field)[0].id}`;
    link.textContent = message.includes(label) ? message : `${shortened(label)}: ${message}`;
    return line;
  }

  function inPageOrder(errors) {
    const questions = [...form.querySelectorAll(".field")];
    const place = ({ field }) => (questionOf(field) ? questions.indexOf(questionOf(field)) : questions.length);
    return [...errors].sort((one, other) => place(one) - place(other));
  }

  // --- what the page holds ---

  // Not by form.elements, nor by the form's own properties: a field may be called "elements" or "action".
  function inputs(name) {
    return [...form.querySelectorAll("[name]")].filter((each) => each.name === name);
  }

  function questionOf(name) {
    const [input] = inputs(name);
    return input ? input.closest(".field") : null;
  }

  function shortened(label) {
    return label.length > 60 ? `${label.slice(0, 59)}…` : label;
  }

  function focusOn(element) {
    element.tabIndex = -1;
    element.focus();
  }

  function made(tag, properties) {
    return Object.assign(document.createElement(tag), properties);
  }

  // --- the start ---

  if (isFramed) {
    root.classList.add("framed");
    window.addEventListener("message", hear);
    tellHost("ready");
    new ResizeObserver(() => height() !== heightTold && tellHeight()).observe(root);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[target=_top]");
      if (link && !moveTop(link.href)) link.target = "_self"; // better in the frame than nowhere
    });
  }
  if (form) {
    button.addEventListener("click", onClick);
    form.addEventListener("submit", onSubmit);
    window.addEventListener("pageshow", () => setBusy(false));
  }
})();
