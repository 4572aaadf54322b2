/** The contract of calls between sidecars, for our own protocol and for the original's. */
import { directVersion } from "../../runtime/peers/direct/protocol.ts";
import { peersContract } from "./peers-contract.ts";

peersContract("direct", directVersion);
peersContract("gRPC", undefined);
