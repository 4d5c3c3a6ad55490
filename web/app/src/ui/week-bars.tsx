// Hours of each week as bars, drawn by uPlot; the same as a table for those who
// listen. Fetched only where it is shown.

import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { duration, shortDay } from "../lib/time";
import { useTheme } from "../lib/preferences";

const HEIGHT = 220;
const DAY = 24 * 3600;

interface Week {
  monday: string;
  seconds: number;
}

function colours() {
  const styles = getComputedStyle(document.documentElement);
  const of = (name: string) => styles.getPropertyValue(name).trim();
  return { bar: of("--accent-strong"), text: of("--ink-soft"), line: of("--line"), font: `12px ${of("--font")}` };
}

function optionsFor(weeks: Week[], width: number, onPoint: (index: number | null) => void): uPlot.Options {
  const { bar, text, line, font } = colours();
  const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, 22, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    scales: { x: { time: false, range: () => [-0.6, weeks.length - 0.4] }, y: { range: (_, __, most) => [0, Math.max(1, Math.ceil((most ?? 0) * 1.1))] } },
    series: [{}, { stroke: bar, fill: bar, width: 0, paths: uPlot.paths.bars!({ size: [0.68, 36], radius: 0.2 }), points: { show: false } }],
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 56,
        splits: (_, __, low, high, step) => {
          const every = Math.max(1, Math.round(step));
          const last = weeks.length - 1;
          return Array.from({ length: Math.floor(last / every) + 1 }, (___, index) => last - index * every).filter((index) => index >= low && index <= high).reverse();
        },
        values: (_, splits) => splits.map((index) => (weeks[index] ? shortDay(weeks[index].monday) : "")),
      },
      { ...axis, size: 44, space: 40, values: (_, splits) => splits.map((hours) => (Number.isInteger(hours) ? `${hours} h` : "")) },
    ],
    hooks: { setCursor: [(plot) => onPoint(plot.cursor.idx ?? null)] },
  };
}

export default function WeekBars({ weeks }: { weeks: Week[] }) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const theme = useTheme();

  useEffect(() => {
    const element = place.current!;
    const data: uPlot.AlignedData = [weeks.map((_, index) => index), weeks.map(({ seconds }) => seconds / 3600)];
    const draw = () => new uPlot(optionsFor(weeks, element.clientWidth, setPointed), data, element);
    let plot = draw();
    const again = () => {
      plot.destroy();
      plot = draw();
    };
    const observer = new ResizeObserver(() => plot.width !== element.clientWidth && plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    return () => {
      observer.disconnect();
      dark.removeEventListener("change", again);
      plot.destroy();
    };
  }, [weeks, theme]);

  const shown = weeks[pointed ?? weeks.length - 1];
  return (
    <figure className="bars">
      <p className="bars-point" aria-hidden="true">
        {shown && (
          <>
            <strong>{duration(shown.seconds)}</strong> in the week from {shortDay(shown.monday)} to {shortDay(new Date(Date.parse(`${shown.monday}T00:00:00Z`) + 6 * DAY * 1000).toISOString().slice(0, 10))}
          </>
        )}
      </p>
      <div ref={place} className="bars-plot" aria-hidden="true" />
      <table className="sr-only">
        <caption>Time of each week</caption>
        <thead>
          <tr>
            <th scope="col">Week from</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {weeks.map(({ monday, seconds }) => (
            <tr key={monday}>
              <th scope="row">{shortDay(monday)}</th>
              <td>{duration(seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
