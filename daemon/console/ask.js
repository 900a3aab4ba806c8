// Dialogs: what is about to be done, why, and how to stay out of it. Nothing is changed without one.

import { Refused, keep } from "./api.js";
import { changes, h, show, waits } from "./dom.js";

// Tells what became of something, on the page and to screen readers.
export function say(text, tone = "good") {
  const host = document.getElementById("said");
  const note = h("p", { class: `note ${tone}` }, text);
  host.append(note);
  setTimeout(() => note.remove(), tone === "bad" ? 12000 : 6000);
}

// Asks and does. `fields`: { name, label, kind: text|number|check|choice, needed?, value?, choices?, hint? }. `act` gets what
// was written and may refuse; then the dialog stays, with the reason. `check`: { word, act } shows what it would come to,
// when it is asked for, or at once where it has no word. Gives whether it was done.
export function ask({ title, text, fields = [], reason = "may", go = title, tone = "", act, check = null }) {
  const before = document.activeElement;
  const all = [...fields];
  if (reason !== "none") {
    all.push({ name: "reason", label: "Reason", kind: "text", needed: reason === "must", hint: "it is kept in the audit and the journal" });
  }
  return new Promise((done) => {
    const trouble = h("div", { class: "trouble", role: "alert" });
    const inputs = new Map(all.map((f) => [f.name, input(f)]));
    const yes = h("button", { type: "submit", class: tone || "main" }, go);
    let did = false;
    const told = h("div", { class: "told", "aria-live": "polite" });
    // What was written; nothing where something is missing.
    const read = (only) => {
      const given = {};
      for (const f of only) {
        const node = inputs.get(f.name);
        const value = f.kind === "check" ? node.checked || null : node.value.trim() || null;
        if (f.needed && value === null) {
          show(trouble, `${f.label} is needed`);
          node.focus();
          return null;
        }
        if (value !== null) given[f.name] = f.kind === "number" ? Number(value) : value;
      }
      show(trouble);
      return given;
    };
    const look = async () => {
      const given = read(fields);
      if (!given) return;
      try {
        show(told, await check.act(given));
        told.scrollIntoView({ block: "nearest" });
      } catch (error) {
        show(told);
        show(trouble, refusal(error));
      }
    };
    const form = h("form", {
      novalidate: true,
      on: {
        submit: async (event) => {
          event.preventDefault();
          const given = read(all);
          if (!given) return;
          yes.disabled = true;
          try {
            await act(given);
            did = true;
            dialog.close();
          } catch (error) {
            show(trouble, refusal(error));
          } finally {
            yes.disabled = false;
          }
        },
      },
    },
    h("h2", { id: "asked" }, title),
    (Array.isArray(text) ? text : [text]).map((t) => (typeof t === "string" ? h("p", null, t) : t)),
    all.map((f) => h("label", { class: f.kind === "check" ? "check" : "" }, f.kind === "check" ? [inputs.get(f.name), " ", f.label] : [
      h("span", null, f.label, f.needed ? " (needed)" : ""), inputs.get(f.name)], f.hint && h("small", null, f.hint))),
    told,
    trouble,
    h("div", { class: "actions" }, check?.word && h("button", { type: "button", class: "aside", on: { click: look } }, check.word),
      h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"), yes));
    const dialog = h("dialog", { "aria-labelledby": "asked", on: {
      close: () => {
        dialog.remove();
        before?.focus?.();
        done(did);
      },
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
    if (check && !check.word) look();
    // A reason or a number comes first; where there is nothing to write, the way out does.
    (form.querySelector("input, select") ?? form.querySelector("button")).focus();
  });
}

function input(f) {
  if (f.kind === "choice") {
    return h("select", { name: f.name }, f.choices.map(([value, label]) => h("option", { value, selected: value === f.value }, label)));
  }
  const type = { check: "checkbox", number: "number", secret: "password" }[f.kind] ?? "text";
  return h("input", { type, name: f.name, value: f.value, step: type === "number" ? "any" : null, maxlength: f.name === "reason" ? 1000 : null,
    autocomplete: "off", spellcheck: f.name === "reason" ? null : "false" });
}

// A refusal with all that the daemon says of it.
export function refusal(error) {
  const problem = error instanceof Refused ? error.problem : {};
  const stale = problem.code === "stale-revision";
  return [
    h("p", null, error.message),
    stale && h("p", null, "It changed since you looked: close this, look again, and decide again."),
    problem.problems && h("ul", null, problem.problems.map((p) => h("li", null, h("code", null, p.path), ` ${p.message}`, p.hint ? ` (${p.hint})` : ""))),
    problem.breaches && h("pre", null, JSON.stringify(problem.breaches, null, 2)),
  ];
}

export function reported(report) {
  return [changes(report.changes ?? []), waits(report.waits)];
}

// Asks for a token and keeps it for this tab, if the daemon knows it.
export function login(why, check) {
  return ask({
    title: "Log in",
    text: [why, h("p", null, "The token is kept for this tab only, and gone when it is closed. The command ", h("code", null, "impresario token create"), " makes one.")],
    fields: [{ name: "token", label: "Token", kind: "secret", needed: true }],
    reason: "none",
    act: async ({ token }) => {
      keep(token);
      try {
        await check();
      } catch (error) {
        keep(null);
        throw error;
      }
    },
  });
}
