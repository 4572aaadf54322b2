/**
 * The request's path for a route that the app or a component names: `orders` and `/orders` are the same, a fragment stays
 * here as no request carries one, and what no request line can hold is escaped.
 */
export function routePath(route: string): string {
  const [sent] = route.split("#", 1) as [string];
  const rooted = sent.startsWith("/") ? sent : `/${sent}`;
  return /^[\x21-\x7e]*$/.test(rooted) ? rooted : encodeURI(rooted);
}
