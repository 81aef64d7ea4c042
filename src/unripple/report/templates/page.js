"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const make = (tag, text, ...children) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  };

  // The table's strata and its longer form.
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

  // The methods whose columns are shown.
  for (const one of document.querySelectorAll(".method-switch")) {
    const show = () => {
      for (const cell of document.querySelectorAll(".summary [data-method]")) {
        if (cell.dataset.method === one.value) cell.hidden = !one.checked;
      }
    };
    one.addEventListener("change", show);
    show();
  }

  const source = at("study");
  if (!source) return;
  const study = JSON.parse(source.textContent);
  const start = study.start || { photo: study.faces[0].name, degree: null, method: "inversion" };
  const chosen = { face: 0, degree: start.degree, left: study.baseline, right: start.method };
  const sides = ["left", "right"];
  const numbered = (name) => study.faces.findIndex((face) => face.name === name);
  chosen.face = Math.max(0, numbered(start.photo));
  const label = (name) => study.labels[name] || name.replaceAll("_", " ");

  /** The pictures of a face at a degree by name: `small` is in the page or absent, `file` lies beside it or is absent. */
  const pictures = (face, edit) => {
    const found = {};
    for (const part of [face, edit].filter(Boolean)) {
      for (const name of new Set([...Object.keys(part.small), ...Object.keys(part.files)])) {
        const [folder, file, recipe] = part.files[name] || [];
        found[name] = {
          small: part.small[name],
          file: file && study.folders[folder] + file,
          recipe: study.recipes[recipe],
        };
      }
    }
    return found;
  };

  /** Show a picture: at once what the page holds, then the file where it is there. */
  const fill = (image, picture) => {
    const { small, file } = picture;
    image.dataset.file = file || "";
    image.src = small || file || "data:,";
    if (!file) return;
    const full = new Image();
    const current = () => image.dataset.file === file;
    full.onload = () => {
      if (current() && small) image.src = full.src;
    };
    full.onerror = () => {
      if (!current()) return;
      at("status").textContent = small
        ? "Small pictures: the study’s files are not where this page was made."
        : "This face’s pictures are among the study’s files, which are not where this page was made.";
    };
    full.src = file;
  };

  /** Before/after: the range input holds the position; pointer and touch write into it, keys are its own. */
  const slider = at("slider");
  const position = at("position");
  const place = () => {
    slider.style.setProperty("--position", `${position.value}%`);
    const share = Number(position.value);
    const text = `${share} % ${label(chosen.left)}, ${100 - share} % ${label(chosen.right)}`;
    position.setAttribute("aria-valuetext", text);
  };
  const follow = (event) => {
    const box = slider.getBoundingClientRect();
    position.value = String(Math.round((100 * (event.clientX - box.left)) / box.width));
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
      const input = make("input");
      input.type = "radio";
      input.name = "degree";
      input.value = edit.degree;
      input.checked = edit.degree === chosen.degree;
      return make("label", "", input, make("span", edit.degree));
    });
    at("degrees").replaceChildren(...parts);
  };

  /** By how much one value is better than another: nearer to the goal, or less, or more; 0 where nothing says so. */
  const gain = (column, aim, own, other, truth) => {
    const goal = column.ideal ?? truth ?? NaN;
    const better = { truth: Math.abs(other - goal) - Math.abs(own - goal), lower: other - own, higher: own - other };
    return better[aim] || 0;
  };

  const fillNumbers = (edit) => {
    const values = sides.map((side) => (edit && edit.numbers[chosen[side]]) || []);
    const truth = edit && edit.numbers.truth;
    const known = truth ? 1 : 0;
    const rows = study.columns.flatMap((column, i) => {
      const pair = values.map((found) => found[i] ?? null);
      if (pair.every((value) => value === null)) return [];
      const head = make("th", [column.short, column.signs[known]].filter(Boolean).join("\u00a0"));
      head.scope = "row";
      head.title = [column.label, column.unit].filter(Boolean).join(", ");
      const cells = pair.map((own, j) => {
        const other = pair[1 - j];
        const cell = make("td", own === null ? "–" : own.toFixed(column.digits).replace("-", "−"));
        if (own !== null && other !== null && gain(column, column.aims[known], own, other, truth?.[i]) > 0) {
          cell.className = "better";
        }
        return cell;
      });
      const row = make("tr", "", head, ...cells);
      if (!column.headline) row.className = "more";
      return [row];
    });
    const table = at("numbers");
    table.hidden = rows.length === 0;
    table.tBodies[0].replaceChildren(...rows);
  };

  const fillRecipe = (side, picture) => {
    const steps = (picture.recipe || []).map((step) => {
      const settings = Object.entries(step.settings).map(([key, value]) => `${key} ${value}`);
      const item = make("li", "", make("strong", step.stage));
      for (const line of [settings.join(" · "), step.networks.join(" · "), `code ${step.code}`]) {
        if (line) item.append(make("div", line));
      }
      return item;
    });
    const parts = [make("h3", label(chosen[side])), make("ol", "", ...steps)];
    if (picture.file) {
      const link = make("a", "the full picture");
      link.href = picture.file;
      parts.push(make("p", "", link));
    }
    at(`${side}-recipe`).replaceChildren(...parts);
  };

  const fillFilm = (shown) => {
    const parts = Object.entries(shown).map(([name, picture]) => {
      const image = make("img");
      image.src = picture.small || picture.file;
      image.alt = "";
      const button = make("button", "", image, label(name));
      button.type = "button";
      button.value = name;
      button.setAttribute("aria-pressed", String(name === chosen.right));
      return button;
    });
    const film = at("film");
    const scrolled = film.scrollLeft;
    film.replaceChildren(...parts);
    film.scrollLeft = scrolled;
  };

  const overlay = at("overlay");
  const fillMask = (mask) => {
    const layer = at("mask-picture");
    overlay.disabled = !mask;
    layer.hidden = !mask || !overlay.checked;
    if (!layer.hidden) fill(layer, mask);
  };

  const show = () => {
    const face = study.faces[chosen.face];
    const degrees = face.edits.map((edit) => edit.degree);
    // Start where ripples are worst: at the far end.
    if (!degrees.includes(chosen.degree)) chosen.degree = degrees.at(-1) ?? null;
    const edit = face.edits.find((one) => one.degree === chosen.degree);
    const { mask, ...shown } = pictures(face, edit);
    const names = Object.keys(shown);
    if (!names.includes(chosen.left)) chosen.left = "photo";
    if (!names.includes(chosen.right)) chosen.right = names.includes(study.baseline) ? study.baseline : "inversion";

    at("status").textContent = "";
    at("face-name").textContent = face.name;
    at("faces").querySelectorAll("input")[chosen.face].checked = true;
    fillDegrees(face);
    for (const side of sides) {
      const name = chosen[side];
      options(at(side), names, name);
      const picture = at(`${side}-picture`);
      fill(picture, shown[name]);
      picture.alt = `${face.name}: ${label(name)}${edit ? `, degree ${edit.degree}` : ""}`;
      at(`${side}-tag`).textContent = label(name);
      at(`${side}-head`).textContent = label(name);
      fillRecipe(side, shown[name]);
    }
    fillMask(mask);
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
  for (const side of sides) {
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
  overlay.addEventListener("change", show);

  /** Links into the gallery carry face, degree and pictures behind their #. */
  const visit = (hash) => {
    const wanted = new URLSearchParams(hash.slice(1));
    const face = numbered(wanted.get("face"));
    if (face < 0) return false;
    Object.assign(chosen, { face, degree: wanted.get("degree"), left: wanted.get("left"), right: wanted.get("right") });
    show();
    at("compare").scrollIntoView();
    position.focus({ preventScroll: true });
    return true;
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.look");
    if (link && visit(link.hash)) event.preventDefault();
  });
  if (!visit(location.hash)) show();
})();
