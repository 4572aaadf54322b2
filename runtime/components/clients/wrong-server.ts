/** What to say of a server that is another one than the component takes it for: of another protocol, with TLS or without, or one that asks for a certificate. */
import { codeOf } from "../../shared/code-of.ts";
import { messageOf } from "../../shared/message-of.ts";

export interface ExpectedServer {
  /** What to name instead: `Redis' own port`. */
  ownPort: string;
  /** What the client's library says of bytes that are none of its protocol. */
  foreign: RegExp;
  /** How to speak TLS, as an order. */
  useTls: string;
  /** How not to. */
  useNoTls: string;
  speaksTls: boolean;
  hasCertificate: boolean;
}

/** OpenSSL's name of the alert by which the other side ended the handshake, such as `CERTIFICATE_REQUIRED`. */
function alertIn(error: unknown): string | undefined {
  const parts = codeOf(error).split("_ALERT_");
  return parts.length > 1 ? parts.at(-1) : undefined;
}

/** The last one may have other reasons. */
const ofCertificates =
  /^(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_.*|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;

/** Undefined where it is no such server, as far as can be told. Never OpenSSL's own text, which has a line break. */
export function wrongServer(
  error: unknown,
  expected: ExpectedServer,
): string | undefined {
  const code = codeOf(error);
  const told = messageOf(error);
  const alert = alertIn(error);
  if (alert !== undefined) {
    const words = alert.toLowerCase().replaceAll("_", " ");
    if (!ofCertificates.test(alert))
      return `the server ends the TLS handshake (${words})`;
    return expected.hasCertificate
      ? `the server does not accept the client's certificate (${words}); correct clientCert and clientKey`
      : `the server ends the TLS handshake (${words}); if it asks for a certificate, set clientCert and clientKey`;
  }
  if (/EPROTO|ERR_SSL/.test(code))
    return `what listens there speaks no TLS; ${expected.useNoTls}, or name the port that does`;
  if (expected.foreign.test(told))
    return `what listens there answers in another protocol; name ${expected.ownPort}${expected.speaksTls ? "" : `, and ${expected.useTls} if it speaks TLS`}`;
  if (!expected.speaksTls && (code === "ECONNRESET" || code === "EPIPE"))
    return `${told}; if it speaks TLS only, ${expected.useTls}`;
  return undefined;
}

/** Whether trying again is no use. */
export const isTlsRefusal = (error: unknown): boolean =>
  ofCertificates.test(alertIn(error) ?? "");
