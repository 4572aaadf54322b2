/**
 * HTML in template strings. What is filled in becomes text, never markup. Not
 * called html: Prettier would format the templates as HTML, which they are not.
 */
export { html as view } from "htm/preact";
