#!/usr/bin/env node
import { launch } from "./launch.js";

await launch("daprd", ["--max-semi-space-size=4"]);
