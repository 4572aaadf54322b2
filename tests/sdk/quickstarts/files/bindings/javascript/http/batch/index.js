/** Whenever the schedule calls it, inserts the orders of a file, by HTTP. */
import { readFileSync } from "node:fs";
import express from "express";

const sqldb = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/bindings/sqldb`;
const { orders } = JSON.parse(readFileSync("../../../orders.json", "utf8"));

express()
  .post("/cron", async (_, res) => {
    for (const { orderid, customer, price } of orders) {
      const sql = `insert into orders (orderid, customer, price) values (${orderid}, '${customer}', ${price});`;
      console.log(sql);
      const { ok } = await fetch(sqldb, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: JSON.stringify({ operation: "exec", metadata: { sql } }),
      });
      if (!ok) return res.sendStatus(500);
    }
    console.log("Finished processing batch");
    res.sendStatus(200);
  })
  .listen(process.env.APP_PORT);
