"use strict";

// Searches while one types, and copies what is clicked on. Without this script the form still works.
const most = 300; // as many as the server puts on the page
const input = document.getElementById("q");
const list = document.getElementById("found");
const status = document.getElementById("status");
const toast = document.getElementById("toast");

let underWay = null; // the request, which the next one ends
let timer = 0;
let asked = input.value.trim();

function say(text, trouble = false) {
  status.textContent = text;
  status.classList.toggle("trouble", trouble);
}

function count(found, total) {
  if (total === 0) return "Nothing has all of these words in its name.";
  if (total === 1) return "1 character";
  return found < total ? `${found} of ${total} characters` : `${total} characters`;
}

function part(kind, text) {
  const span = document.createElement("span");
  span.className = kind;
  span.textContent = text;
  return span;
}

function card(c) {
  const button = document.createElement("button");
  button.type = "button";
  button.title = "Copy";
  button.dataset.char = c.char;
  button.append(part("glyph", /^\p{M}/u.test(c.char) ? "\u25cc" + c.char : c.char), part("name", c.name), part("code", c.code));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

async function search(query) {
  if (underWay) underWay.abort();
  underWay = null;
  asked = query;
  history.replaceState(null, "", query ? "/?q=" + encodeURIComponent(query) : "/");
  document.title = (query ? query + " – " : "") + "Mojifinder";
  if (!query) {
    list.replaceChildren();
    list.classList.remove("stale");
    say("");
    return;
  }
  const request = new AbortController();
  underWay = request;
  list.classList.add("stale");
  try {
    const answer = await fetch(`/search?limit=${most}&q=${encodeURIComponent(query)}`, { signal: request.signal });
    if (!answer.ok) throw new Error(`The server says ${answer.status}.`);
    const found = await answer.json();
    if (underWay !== request) return;
    list.replaceChildren(...found.map(card));
    say(count(found.length, Number(answer.headers.get("X-Total-Count"))));
  } catch (error) {
    if (error.name === "AbortError") return; // somebody typed on
    list.replaceChildren();
    say(error instanceof TypeError ? "The server does not answer." : error.message, true);
  }
  list.classList.remove("stale");
}

input.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const query = input.value.trim();
    if (query !== asked) search(query);
  }, 150);
});

input.form.addEventListener("submit", event => {
  event.preventDefault();
  clearTimeout(timer);
  search(input.value.trim());
});

document.querySelector("nav").addEventListener("click", event => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  input.value = link.textContent;
  search(link.textContent);
});

let hide = 0;
list.addEventListener("click", async event => {
  const button = event.target.closest("button");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.char);
    toast.textContent = `${button.querySelector(".glyph").textContent} copied`;
  } catch {
    toast.textContent = "The browser does not let us copy.";
  }
  toast.hidden = false;
  clearTimeout(hide);
  hide = setTimeout(() => { toast.hidden = true; }, 1500);
});
