import { createDecipheriv, hkdfSync } from "node:crypto";
import type { ECDH } from "node:crypto";

const TAG_BYTES = 16;
const HEADER_BYTES = 21;

const hkdf = (key: Uint8Array, salt: Uint8Array, info: Uint8Array, bytes: number): Buffer =>
  Buffer.from(hkdfSync("sha256", key, salt, info, bytes));

/**
 * Decrypts a push message (RFC 8291) as a browser does: one record of aes128gcm (RFC 8188) with the
 * subscription's keys. It is written from the RFCs, apart from the library that encrypts. Throws an Error
 * that says what is wrong.
 */
export function decryptPush(body: Buffer, receiver: ECDH, auth: Buffer): Buffer {
  if (body.length < HEADER_BYTES) throw new Error("the header is cut");
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const idLength = body.readUInt8(20);
  const sender = body.subarray(HEADER_BYTES, HEADER_BYTES + idLength);
  const record = body.subarray(HEADER_BYTES + idLength);
  if (idLength !== 65) throw new Error(`the sender's key has ${idLength} bytes, not 65`);
  if (record.length > recordSize) throw new Error("a push message has one record");
  if (record.length <= TAG_BYTES) throw new Error("the record is cut");

  const info = Buffer.concat([Buffer.from("WebPush: info\0"), receiver.getPublicKey(), sender]);
  const secret = hkdf(receiver.computeSecret(sender), auth, info, 32);
  const key = hkdf(secret, salt, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = hkdf(secret, salt, Buffer.from("Content-Encoding: nonce\0"), 12);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(record.subarray(-TAG_BYTES));
  const padded = Buffer.concat([decipher.update(record.subarray(0, -TAG_BYTES)), decipher.final()]);

  const end = padded.findLastIndex((byte) => byte !== 0);
  if (padded[end] !== 2) throw new Error("the last record does not end with the delimiter 2");
  return padded.subarray(0, end);
}
