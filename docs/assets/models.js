// The table of models: a filter above it, and headings that sort.
document$.subscribe(() => {
  const box = document.querySelector(".zoo-models");
  const table = box && box.querySelector("table");
  if (!table || box.querySelector("input")) return;
  const body = table.tBodies[0];

  const filter = document.createElement("input");
  filter.type = "search";
  filter.placeholder = "Filter: a name, task, data set or family";
  filter.setAttribute("aria-label", filter.placeholder);
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const row of body.rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  box.prepend(filter);

  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replaceAll(",", ""));
    return text !== "" && /^[\d.,]+$/.test(text) ? number : text;
  };
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = heading.ariaSort !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.ariaSort = null;
      heading.ariaSort = down ? "ascending" : "descending";
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
        return down ? order : -order;
      });
      body.append(...rows);
    });
  });
});
