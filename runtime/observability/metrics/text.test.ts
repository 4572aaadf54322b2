import { Table } from "./table.ts";
import { metricsText } from "./text.ts";

test("a histogram adds up, and labels are escaped", () => {
  const table = new Table(
    [
      { name: "n", about: "How many.", type: "counter" },
      { name: "t", about: "How long.", type: "histogram" },
    ],
    ["path"],
    [1, 10],
  );
  for (const ms of [0.5, 1, 7, 11]) table.add(['a"\\\n'], ms);
  expect(metricsText("app", [table, new Table([])]).split("# HELP p")[0]).toBe(
    String.raw`# HELP dapr_n How many.
# TYPE dapr_n counter
dapr_n{app_id="app",path="a\"\\\n"} 4
# HELP dapr_t How long.
# TYPE dapr_t histogram
dapr_t_bucket{app_id="app",path="a\"\\\n",le="1"} 2
dapr_t_bucket{app_id="app",path="a\"\\\n",le="10"} 3
dapr_t_bucket{app_id="app",path="a\"\\\n",le="+Inf"} 4
dapr_t_sum{app_id="app",path="a\"\\\n"} 19.5
dapr_t_count{app_id="app",path="a\"\\\n"} 4
`,
  );
});
