/** Requests and answers byte by byte, as https://kafka.apache.org/protocol lays them out. */
import {
  fetchRequest,
  fetchVersion,
  readFetchResponse,
} from "./fetch-request.ts";
import { metadataRequest, readMetadataResponse } from "./metadata-request.ts";
import { wireReader } from "./wire.ts";

const id = "00112233445566778899aabbccddeeff";
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");

test("Metadata 10 asks by name and tells IDs, leaders and partitions without one", () => {
  expect(metadataRequest(10, ["ab"]).toString("hex")).toBe(
    hex(`00 02 ${"00".repeat(16)} 03 6162 00 01 00 00 00`).toString("hex"),
  );
  const answer = hex(`
    00 00000000
    02 00000007 02 68 00002384 00 00
    00 00000007
    02 0000 03 6162 ${id} 00
      03 0000 00000000 00000007 00000001 02 00000007 02 00000007 01 00
         0005 00000001 ffffffff 00000002 02 00000008 01 02 00000008 00
      80000000 00
    80000000 00`);
  const metadata = readMetadataResponse(10, answer);
  expect(metadata.brokers).toEqual([
    { nodeId: 7, host: "h", port: 9092, rack: undefined },
  ]);
  expect(metadata.topicMetadata).toEqual([
    {
      topicErrorCode: 0,
      topic: "ab",
      topicId: id,
      partitionMetadata: [
        { partitionErrorCode: 0, partitionId: 0, leader: 7 },
        { partitionErrorCode: 5, partitionId: 1, leader: -1 },
      ],
    },
  ]);
});

test("Metadata 4, of brokers older than 2.8, tells no ID", () => {
  expect(metadataRequest(4, ["ab"]).toString("hex")).toBe(
    "00000001" + "0002" + "6162" + "01",
  );
  const answer = hex(`
    00000000
    00000001 00000007 0001 68 00002384 ffff
    ffff 00000007
    00000001 0000 0002 6162 00
      00000001 0000 00000000 00000007 00000001 00000007 00000001 00000007`);
  expect(readMetadataResponse(4, answer).topicMetadata).toEqual([
    {
      topicErrorCode: 0,
      topic: "ab",
      topicId: undefined,
      partitionMetadata: [{ partitionErrorCode: 0, partitionId: 0, leader: 7 }],
    },
  ]);
});

test("Fetch 13 names topics by ID, in both directions", () => {
  const limits = { minBytes: 1, maxBytes: 2, partitionMaxBytes: 3 };
  const ids = new Map([["ab", id]]);
  const { body } = fetchRequest(
    13,
    [{ topic: "ab", partition: 5, offset: 9 }],
    limits,
    500,
    ids,
  );
  expect(Buffer.concat(body).toString("hex")).toBe(
    hex(`
      00 ffffffff 000001f4 00000001 00000002 00 00000000 ffffffff
      02 ${id} 02 00000005 ffffffff 0000000000000009 ffffffff ffffffffffffffff 00000003 00 00
      01 01 00`).toString("hex"),
  );
  const answer = hex(`
    00 00000000 0000 00000000
    02 ${id}
      03 00000005 0000 ${"00".repeat(24)} 02 ${"00".repeat(16)} 00 ffffffff 04 010203 00
         00000006 0001 ${"00".repeat(24)} 00 ffffffff 01 00
      00
    00`);
  expect(readFetchResponse(13, answer, ids)).toEqual({
    errorCode: 0,
    partitions: [
      { topic: "ab", partition: 5, errorCode: 0, records: hex("010203") },
      { topic: "ab", partition: 6, errorCode: 1, records: hex("") },
    ],
  });
});

test("the newest Fetch both sides know; by ID only where IDs are known", () => {
  const broker = (maxVersion: number) => ({ 1: { minVersion: 4, maxVersion } });
  expect(fetchVersion(broker(17), true)).toBe(13);
  expect(fetchVersion(broker(17), false)).toBe(11);
  expect(fetchVersion(broker(10), true)).toBe(4);
  expect(() => fetchVersion(broker(3), true)).toThrow("4 to 3");
});

test("an answer that ends too soon is an error, at every length", () => {
  const bytes = hex(
    `00 00000000 0000 00000000 02 ${id} 02 00000005 0000 ${"00".repeat(24)} 01 ffffffff 04 010203 00 00 00`,
  );
  // The last byte, tagged fields of the whole, is not looked at.
  for (let length = 0; length < bytes.length - 1; length++)
    expect(() =>
      readFetchResponse(13, bytes.subarray(0, length), new Map()),
    ).toThrow();
  expect(() => wireReader(hex("ffffffff0f"), true).text()).toThrow("too soon");
});
