"use strict";

const at = (id) => document.getElementById(id);
let models = [];
let latest = 0; // the number of the newest question: answers to older ones are dropped
let given = null; // the image that was asked about last, for another model

const percent = (value) => {
  if (value >= 0.9995 && value < 1) return ">\u00a099.9\u00a0%";
  if (value > 0 && value < 0.0005) return "<\u00a00.1\u00a0%";
  return `${(100 * value).toFixed(1)}\u00a0%`;
};

function say(message, wrong = false) {
  at("status").hidden = wrong;
  at("error").hidden = !wrong;
  at(wrong ? "error" : "status").textContent = message;
}

function chosen() {
  return models.find((model) => model.name === at("model").value);
}

function chooseModel() {
  const model = chosen();
  at("about").textContent = model ? `version ${model.version}, ${model.classes || "unnamed"} classes, images of ${model.size} pixels` : "";
  at("expects").hidden = !model?.expects;
  at("expects").textContent = model?.expects ? `It expects: ${model.expects}` : "";
  at("classes").hidden = !model?.labels?.length;
  at("class-list").textContent = model?.labels?.length ? model.labels.join(", ") : "";
  const examples = model ? model.examples : [];
  at("examples").hidden = examples.length === 0;
  at("example-list").replaceChildren(...examples.map((address, number) => {
    const picture = Object.assign(new Image(), { src: address, alt: `Example ${number + 1}`, className: "crisp" });
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.append(picture);
    button.addEventListener("click", async () => {
      try {
        ask(await (await fetch(address)).blob());
      } catch {
        say("The server does not answer. Is it still running?", true);
      }
    });
    return button;
  }));
}

function preview(image) {
  const picture = at("given");
  URL.revokeObjectURL(picture.src);
  picture.onload = () => picture.classList.toggle("crisp", picture.naturalWidth < 100);
  picture.onerror = () => { picture.hidden = true; };
  picture.hidden = false;
  picture.alt = image.name ? `Your image: ${image.name}` : "The chosen example";
  picture.src = URL.createObjectURL(image);
}

async function ask(image) {
  const model = chosen();
  if (!model) return;
  const number = ++latest;
  given = image;
  preview(image);
  document.body.classList.add("busy");
  document.body.classList.remove("answered");
  say("The model is looking at the image …");
  try {
    const answer = await fetch(`page/explain/${encodeURIComponent(model.name)}`, { method: "POST", body: image });
    const result = await answer.json();
    if (number !== latest) return;
    if (answer.ok) show(result);
    else fail(result.error);
  } catch {
    if (number === latest) fail("The server does not answer. Is it still running?");
  } finally {
    if (number === latest) document.body.classList.remove("busy");
  }
}

function fail(message) {
  at("answer").hidden = true;
  say(message, true);
}

function show(result) {
  const [best] = result.top;
  document.body.classList.add("answered");
  say(`${best.label} (${percent(best.probability)})`);
  at("bars").replaceChildren(...result.top.map(bar));
  at("seen").src = `data:image/png;base64,${result.seen}`;
  at("seen").alt = "The image in the size and colours that the model gets";
  at("overlay").src = `data:image/png;base64,${result.overlay}`;
  at("overlay").alt = `The image, coloured where “${best.label}” depends on it`;
  at("explained").textContent = reason(best.label, result.largest_drop);
  at("answer").hidden = false;
}

function reason(label, drop) {
  const points = (100 * drop).toFixed(1);
  if (drop < 0.005) return `No single spot matters much: wherever a patch covers the image, “${label}” stays nearly as probable (it loses ${points} percentage points at most).`;
  return `A patch in the image's mean colour was moved over it. The redder a spot, the more of its probability “${label}” lost when the spot was covered, ${points} percentage points at most.`;
}

function bar(one) {
  const item = document.createElement("li");
  const fill = Object.assign(document.createElement("span"), { className: "fill" });
  fill.style.width = `${100 * one.probability}%`;
  const label = Object.assign(document.createElement("span"), { className: "label", textContent: one.label });
  const value = Object.assign(document.createElement("span"), { className: "value", textContent: percent(one.probability) });
  item.append(fill, label, value);
  return item;
}

async function start() {
  try {
    models = (await (await fetch("page/models")).json()).filter((model) => model.ready && model.images);
  } catch {
    say("The server does not answer. Is it still running?", true);
    return;
  }
  at("model").append(...models.map((model) => new Option(model.name)));
  at("model").disabled = models.length === 0;
  at("file").disabled = models.length === 0;
  if (models.length === 0) say("None of the served models takes images.", true);
  chooseModel();
}

at("model").addEventListener("change", () => {
  chooseModel();
  if (given) ask(given);
});
at("file").addEventListener("change", (event) => {
  if (event.target.files.length) ask(event.target.files[0]);
  event.target.value = ""; // the same file may be chosen again
});
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault(); // a drop beside the field must not leave the page
    at("drop").classList.toggle("over", kind === "dragenter" || kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) ask(event.dataTransfer.files[0]);
  });
}
start();
