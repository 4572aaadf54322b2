/** Types of the packages that the tests compare with. */
declare module "lz4js" {
  export function compress(data: Uint8Array): Uint8Array;
  export function decompress(data: Uint8Array): Uint8Array;
}
declare module "snappyjs" {
  const snappy: {
    compress(data: Uint8Array): Uint8Array;
    uncompress(data: Uint8Array): Uint8Array;
  };
  export default snappy;
}
