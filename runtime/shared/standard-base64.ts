/** The bytes of Base64 as RFC 4648 has it, with its padding; line breaks are passed over. Undefined for any other text. */
export function fromStandardBase64(text: string): Buffer | undefined {
  const whole = text.replace(/[\r\n]/g, "");
  return whole.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(whole)
    ? Buffer.from(whole, "base64")
    : undefined;
}
