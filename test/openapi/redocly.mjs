// redocly.mjs DOCUMENT: holds a document against Redocly's recommended rules;
// prints what is wrong, and ends with 1 when anything is.
import { createConfig, formatProblems, lint } from "@redocly/openapi-core";

const config = await createConfig({ extends: ["recommended"] });
const problems = await lint({ ref: process.argv[2], config });

formatProblems(problems, { format: "stylish", totals: { errors: problems.length, warnings: 0, ignored: 0 }, version: "" });
process.exit(problems.length > 0 ? 1 : 0);
