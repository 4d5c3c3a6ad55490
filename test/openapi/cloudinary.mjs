// cloudinary.mjs: asks Cloudinary's own library. Takes {"secret", "algorithm",
// "calls": [[function of utils, arguments…], …]} on standard input, and prints the array of results.
import { readFileSync } from "node:fs";
import { v2 } from "cloudinary";

const { secret, algorithm, calls } = JSON.parse(readFileSync(0, "utf8"));
v2.config({ cloud_name: "demo-cloud", api_key: "1", api_secret: secret, signature_algorithm: algorithm, secure: true });
console.log(JSON.stringify(calls.map(([name, ...given]) => v2.utils[name](...given))));
