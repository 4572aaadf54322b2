/** The contract of calls between sidecars, for our own protocol and for the original's. */
import { openGrpcPeers, openPeers } from "../support/peers.ts";
import { peersContract } from "./peers-contract.ts";

peersContract("direct", openPeers);
peersContract("gRPC", openGrpcPeers);
