"use strict";
(function () {
  // Everything that is folded is wanted on paper.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

  const paths = JSON.parse(document.getElementById("points").textContent);
  const names = Object.keys(paths);
  const points = names.flatMap((name) => paths[name]).filter(Boolean);
  if (!points.length) return;
  document.getElementById("turn").hidden = false;
  const canvas = document.getElementById("canvas");
  const slider = document.getElementById("instant");
  const reading = document.getElementById("reading");
  const pen = canvas.getContext("2d");
  const low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  let end = 0;
  for (const point of points) {
    end = Math.max(end, point[0]);
    for (let axis = 0; axis < 3; axis += 1) {
      low[axis] = Math.min(low[axis], point[axis + 1]);
      high[axis] = Math.max(high[axis], point[axis + 1]);
    }
  }
  const middle = low.map((value, axis) => (value + high[axis]) / 2);
  const radius = Math.max(1, Math.hypot(...low.map((value, axis) => high[axis] - value)) / 2);
  const trail = 10, step = Math.PI / 36;
  let turn = 0.6, tilt = 0.45, grabbed = null;
  slider.max = end; slider.value = end;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Orthographic: right, away, up [mm] to pixels.
  function place(right, away, up) {
    const x = right - middle[0], y = away - middle[1], z = up - middle[2];
    const across = x * Math.cos(turn) + y * Math.sin(turn);
    const deep = -x * Math.sin(turn) + y * Math.cos(turn);
    const upwards = z * Math.cos(tilt) + deep * Math.sin(tilt);
    const scale = 0.47 * Math.min(canvas.clientWidth, canvas.clientHeight) / radius;
    return [canvas.clientWidth / 2 + scale * across, canvas.clientHeight / 2 - scale * upwards];
  }

  function line(list, width, strength, style) {
    pen.strokeStyle = style; pen.lineWidth = width; pen.globalAlpha = strength;
    pen.beginPath();
    let drawing = false;
    for (const point of list) {
      if (!point) { drawing = false; continue; }
      const [x, y] = place(point[1], point[2], point[3]);
      if (drawing) pen.lineTo(x, y); else pen.moveTo(x, y);
      drawing = true;
    }
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function box() {
    const corner = (index) => [0, ...low.map((value, axis) => ((index >> axis) & 1 ? high[axis] : value))];
    for (let from = 0; from < 8; from += 1) {
      for (let axis = 0; axis < 3; axis += 1) {
        if (!((from >> axis) & 1)) line([corner(from), corner(from | (1 << axis))], 1, 1, colour("--line"));
      }
    }
    pen.fillStyle = colour("--faint"); pen.textAlign = "center";
    ["right", "away", "up"].forEach((name, axis) => {
      const at = [...low]; at[axis] = middle[axis];
      const [x, y] = place(...at);
      pen.fillText(`${name} ${Math.round(high[axis] - low[axis])} mm`, x, y + 13);
    });
  }

  function draw() {
    const ratio = devicePixelRatio || 1, now = Number(slider.value);
    canvas.width = canvas.clientWidth * ratio; canvas.height = canvas.clientHeight * ratio;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = `12px ${colour("--font")}`; pen.lineJoin = "round";
    box();
    names.forEach((name, index) => {
      const style = colour(`--series-${index % 3 + 1}`), path = paths[name];
      line(path, 1, 0.4, style);
      line(path.filter((point) => !point || (point[0] <= now && point[0] > now - trail)), 2.4, 1, style);
      const at = path.filter((point) => point && point[0] <= now).pop();
      if (at) {
        const [x, y] = place(at[1], at[2], at[3]);
        pen.fillStyle = style; pen.beginPath(); pen.arc(x, y, 5, 0, 2 * Math.PI); pen.fill();
        pen.textAlign = "left"; pen.fillText(name, x + 9, y - 6);
      }
    });
    reading.textContent = `${now.toFixed(1)} s`;
  }

  function look(newTurn, newTilt) {
    turn = newTurn; tilt = Math.max(-Math.PI / 2, Math.min(Math.PI / 2, newTilt)); draw();
  }

  canvas.addEventListener("pointerdown", (event) => { grabbed = [event.clientX, event.clientY]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (!grabbed) return;
    const [x, y] = grabbed;
    grabbed = [event.clientX, event.clientY];
    look(turn - (event.clientX - x) / 120, tilt + (event.clientY - y) / 120);
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { grabbed = null; });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    look(turn + moves[event.key][0], tilt + moves[event.key][1]);
  });
  slider.addEventListener("input", draw);
  document.getElementById("front").addEventListener("click", () => look(0, 0));
  document.getElementById("above").addEventListener("click", () => look(0, Math.PI / 2));
  document.getElementById("side").addEventListener("click", () => look(Math.PI / 2, 0));
  addEventListener("resize", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
