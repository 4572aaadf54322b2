/** Fetches a secret, by HTTP. */
const url = `http://localhost:${process.env.DAPR_HTTP_PORT}/v1.0/secrets/localsecretstore/secret`;
console.log("Fetched Secret: ", await (await fetch(url)).json());
