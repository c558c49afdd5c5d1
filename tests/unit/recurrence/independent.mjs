// Expands corpus.json with three libraries that share no code with this project or with python-dateutil, and
// writes what they say to independent.json, which the tests read. The tests need Python only; run this by hand
// when the corpus grows, in an empty folder, with node 20 or later:
//
//   npm install ical.js@2.2.1 rrule-temporal@2.2.7 rrule-rust@3.1.1 temporal-polyfill
//   cp $REPOSITORY/tests/unit/recurrence/{corpus.json,independent.mjs} .
//   node independent.mjs && cp independent.json $REPOSITORY/tests/unit/recurrence/
//
// ical.js (Mozilla, MPL-2.0) has no zones of its own and is asked for wall-clock times. rrule-temporal (MIT) and
// rrule-rust (MIT, the Rust crate `rrule`) resolve zones themselves. A library that refuses a case says why.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync } from "node:fs";
import { Temporal } from "temporal-polyfill";
import ICAL from "ical.js";
import { RRuleTemporal } from "rrule-temporal";

const { RRuleSet } = createRequire(import.meta.url)("rrule-rust");
const MOST = 2000;
const FORM = /^(\d{4})(\d\d)(\d\d)(T(\d\d)(\d\d)(\d\d))?$/;

const compact = (text) => text.replace(/[-:]/g, "");
const utcKey = (instant) => compact(instant.round({ smallestUnit: "second" }).toString());
const wallKey = (zoned) => compact(zoned.toPlainDateTime().toString({ smallestUnit: "second" }));
const plain = (key) => {
  const [, year, month, day, , hour = 0, minute = 0, second = 0] = FORM.exec(key).map((each) => each && +each);
  return Temporal.PlainDateTime.from({ year, month, day, hour, minute, second });
};

/** One date or date-time as the wall clock of the series shows it. */
function onTheWall(text, zone, given) {
  if (text.endsWith("Z")) return wallKey(plain(text.slice(0, -1)).toZonedDateTime("UTC").withTimeZone(zone));
  return text.includes("T") && given ? wallKey(plain(text).toZonedDateTime(given).withTimeZone(zone)) : text;
}

function withMozilla({ zone, start, lines, before }) {
  const value = zone ? "" : ";VALUE=DATE";
  const floating = lines.map((line) => {
    const [head, body] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)];
    if (!zone) return line;
    if (head === "RRULE") {
      return `${head}:${body.toUpperCase().replace(/UNTIL=([0-9TZ]+)/, (_, until) =>
        `UNTIL=${until.includes("T") ? onTheWall(until, zone) : `${until}T235959`}`)}`;
    }
    const given = /TZID=([^;]+)/.exec(head)?.[1];
    return `${head.split(";")[0]}:${body.split(",").map((each) => onTheWall(each, zone, given)).join(",")}`;
  });
  const event = ["BEGIN:VEVENT", "UID:1", `DTSTART${value}:${compact(start)}`, ...floating, "END:VEVENT"];
  const component = ICAL.Component.fromString(event.join("\r\n"));
  const dtstart = component.getFirstPropertyValue("dtstart");
  const expansion = new ICAL.RecurExpansion({ component, dtstart });
  const found = [];
  for (let next = expansion.next(); next && found.length < MOST; next = expansion.next()) {
    const key = compact(next.toString());
    const instant = plain(key).toZonedDateTime(zone ?? "UTC").toInstant();
    if (Temporal.Instant.compare(instant, Temporal.Instant.from(`${before}T00:00Z`)) >= 0) break;
    found.push(zone ? utcKey(instant) : key);
  }
  return found;
}

function asText({ zone, start, lines }) {
  const dtstart = zone ? `DTSTART;TZID=${zone}:${compact(start)}` : `DTSTART;VALUE=DATE:${compact(start)}`;
  return [dtstart, ...lines].join("\n");
}

function withTemporal(given) {
  const { zone, before } = given;
  const rule = new RRuleTemporal({ rruleString: asText(given), includeDtstart: true });
  const end = new Date(`${before}T00:00Z`);
  return rule
    .between(new Date("1900-01-01T00:00Z"), end, true)
    .filter((each) => each.epochMilliseconds < end.getTime())
    .map((each) => (zone ? utcKey(each.toInstant()) : wallKey(each).slice(0, 8)));
}

function withRust(given) {
  const { zone, before } = given;
  const set = RRuleSet.fromString(asText(given));
  const end = Temporal.Instant.from(`${before}T00:00Z`);
  const found = [];
  for (const each of set.all(MOST)) {
    const { year, month, day, time } = each;
    const wall = Temporal.PlainDateTime.from({ year, month, day, ...(time ?? {}) });
    const zoned = wall.toZonedDateTime(time?.utc || !zone ? "UTC" : zone);
    if (Temporal.Instant.compare(zoned.toInstant(), end) >= 0) break;
    found.push(zone ? utcKey(zoned.toInstant()) : wallKey(zoned).slice(0, 8));
  }
  return found;
}

const libraries = { "ical.js": withMozilla, "rrule-temporal": withTemporal, "rrule-rust": withRust };
const corpus = JSON.parse(readFileSync("corpus.json", "utf8"));
const answers = {};
for (const given of corpus.filter((each) => !each.refused)) {
  answers[given.name] = {};
  for (const [name, expand] of Object.entries(libraries)) {
    try {
      answers[given.name][name] = [...new Set(expand(given))].sort();
    } catch (problem) {
      answers[given.name][name] = `refused: ${problem.message}`;
    }
  }
}
const groups = Object.entries(answers).map(([name, each]) => {
  const said = Object.entries(each).map((pair) => `    ${pair.map((one) => JSON.stringify(one)).join(": ")}`);
  return `  ${JSON.stringify(name)}: {\n${said.join(",\n")}\n  }`;
});
writeFileSync("independent.json", `{\n${groups.join(",\n")}\n}\n`);
