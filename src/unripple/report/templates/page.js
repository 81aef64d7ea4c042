"use strict";
(() => {
  const at = (id) => document.getElementById(id);

  // The summary's strata and its longer form.
  at("stratum").addEventListener("change", (event) => {
    for (const part of document.querySelectorAll(".stratum")) part.hidden = part.id !== event.target.value;
  });
  const switches = document.querySelectorAll(".every-switch");
  for (const one of switches) {
    one.addEventListener("change", () => {
      document.body.classList.toggle("every", one.checked);
      for (const other of switches) other.checked = one.checked;
    });
  }

  const source = at("study");
  if (!source) return;
  const study = JSON.parse(source.textContent);
  const chosen = { face: 0, degree: null, left: "hfgi", right: "ripple_inpaint" };
  const label = (name) => study.labels[name] || name.replaceAll("_", " ");

  /** All pictures of a face at a degree, by name. */
  const pictures = (face, edit) => ({
    photo: face.photo,
    inversion: face.inversion,
    ...(edit ? edit.pictures : {}),
  });

  /** Before/after: the range input holds the position; pointer and touch write into it, keys are its own. */
  const slider = at("slider");
  const position = at("position");
  const place = () => {
    slider.style.setProperty("--position", `${position.value}%`);
    position.setAttribute("aria-valuetext", `${position.value} % ${label(chosen.left)}`);
  };
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    position.value = String(Math.round(100 * (event.clientX - box.left) / box.width));
    place();
  };
  slider.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    slider.setPointerCapture(event.pointerId);
    position.focus({ preventScroll: true });
    follow(event);
  });
  slider.addEventListener("pointermove", (event) => {
    if (slider.hasPointerCapture(event.pointerId)) follow(event);
  });
  position.addEventListener("input", place);

  const options = (select, names, value) => {
    select.replaceChildren(...names.map((name) => new Option(label(name), name, false, name === value)));
    select.value = value;
  };

  const fillDegrees = (face) => {
    const parts = face.edits.map((edit) => {
      const holder = document.createElement("label");
      const input = document.createElement("input");
      const text = document.createElement("span");
      input.type = "radio";
      input.name = "degree";
      input.value = edit.degree;
      input.checked = edit.degree === chosen.degree;
      text.textContent = edit.degree;
      holder.append(input, text);
      return holder;
    });
    at("degrees").replaceChildren(...parts);
  };

  const fillNumbers = (edit) => {
    const values = (name) => (edit && edit.numbers[name]) || {};
    const [left, right] = [values(chosen.left), values(chosen.right)];
    const rows = study.columns
      .filter((column) => column.key in left || column.key in right)
      .map((column) => {
        const row = document.createElement("tr");
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = [column.short, column.arrow].filter(Boolean).join("\u00a0");
        head.title = [column.label, column.unit].filter(Boolean).join(", ");
        if (!column.headline) row.className = "more";
        const cells = [left, right].map((found, i) => {
          const cell = document.createElement("td");
          const [own, other] = [found[column.key], [right, left][i][column.key]];
          cell.textContent = own === undefined ? "–" : own.toFixed(column.digits).replace("-", "−");
          const better = column.better === "lower" ? own < other : own > other;
          if (column.better !== "neither" && better) cell.className = "better";
          return cell;
        });
        row.append(head, ...cells);
        return row;
      });
    const table = at("numbers");
    table.hidden = rows.length === 0;
    table.tBodies[0].replaceChildren(...rows);
  };

  const fillFilm = (shown) => {
    const parts = Object.entries(shown).map(([name, uri]) => {
      const button = document.createElement("button");
      const picture = document.createElement("img");
      button.type = "button";
      button.value = name;
      button.title = `Show ${label(name)} on the right`;
      button.setAttribute("aria-pressed", String(name === chosen.right));
      picture.src = uri;
      picture.alt = "";
      button.append(picture, label(name));
      return button;
    });
    const film = at("film");
    const scrolled = film.scrollLeft;
    film.replaceChildren(...parts);
    film.scrollLeft = scrolled;
  };

  const show = () => {
    const face = study.faces[chosen.face];
    const degrees = face.edits.map((edit) => edit.degree);
    // Start where ripples are worst: at the far end.
    if (!degrees.includes(chosen.degree)) chosen.degree = degrees.at(-1) ?? null;
    const edit = face.edits.find((one) => one.degree === chosen.degree);
    const shown = pictures(face, edit);
    const names = Object.keys(shown);
    if (!names.includes(chosen.left)) chosen.left = "photo";
    if (!names.includes(chosen.right)) chosen.right = names.includes("hfgi") ? "hfgi" : "inversion";

    at("face-name").textContent = face.name;
    fillDegrees(face);
    for (const side of ["left", "right"]) {
      options(at(side), names, chosen[side]);
      const picture = at(`${side}-picture`);
      picture.src = shown[chosen[side]];
      picture.alt = `${face.name}: ${label(chosen[side])}${edit ? `, degree ${edit.degree}` : ""}`;
      at(`${side}-tag`).textContent = label(chosen[side]);
      at(`${side}-head`).textContent = label(chosen[side]);
    }
    fillNumbers(edit);
    fillFilm(shown);
    place();
  };

  at("faces").addEventListener("change", (event) => {
    chosen.face = Number(event.target.value);
    show();
  });
  at("degrees").addEventListener("change", (event) => {
    chosen.degree = event.target.value;
    show();
    at("degrees").querySelector("input:checked").focus();
  });
  for (const side of ["left", "right"]) {
    at(side).addEventListener("change", (event) => {
      chosen[side] = event.target.value;
      show();
    });
  }
  at("swap").addEventListener("click", () => {
    [chosen.left, chosen.right] = [chosen.right, chosen.left];
    show();
  });
  at("film").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    chosen.right = button.value;
    show();
    at("film").querySelector("[aria-pressed='true']").focus();
  });
  show();
})();
