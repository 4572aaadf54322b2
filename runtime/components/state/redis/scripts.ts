/**
 * The scripts behind state.redis. What they leave in Redis is the original's
 * (docs/protocol/redis.md), so that either reads what the other wrote: a hash of
 * `data`, `version` (the etag, from 1) and `first-write` once one guards it.
 */
import { redisScript } from "../../clients/redis/client.ts";

/** A script's answer (Lua's false) if the etag or the guard forbids the write. */
export const refused = null;

/** Arguments after the key: etag ("0" = none), data, 1 for first-write, seconds to live ("" = leave as is). */
export const setHash = redisScript(`
local key, etag, data, first, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local version = redis.pcall('HGET', key, 'version')
local guarded = false
if type(version) == 'table' then
  redis.call('DEL', key)
elseif version and version ~= '' then
  guarded = redis.call('HEXISTS', key, 'first-write') == 1
  if version ~= etag and (guarded or etag ~= '0') then return false end
end
redis.call('HSET', key, 'data', data)
if first == '1' then redis.call('HSET', key, 'first-write', 0) end
local written = redis.call('HINCRBY', key, 'version', 1)
if ttl ~= '' then
  if tonumber(ttl) > 0 then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
end
return written
`);

/** Argument after the key: etag ("0" = none). */
export const deleteHash = redisScript(`
local version = redis.pcall('HGET', KEYS[1], 'version')
if type(version) == 'string' and version ~= '' and version ~= ARGV[1] and ARGV[1] ~= '0' then
  return false
end
return redis.call('DEL', KEYS[1])
`);

/** As setHash, on a RedisJSON document `{data, version}`; the argument `data` is the whole document without its version. */
export const setDocument = redisScript(`
local key, etag, data, first, ttl = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local version = redis.pcall('JSON.GET', key, '.version')
if type(version) == 'table' then
  redis.call('DEL', key)
  version = false
end
local guard = redis.pcall('JSON.GET', key, '.first-write')
local guarded = type(guard) == 'string'
if version and version ~= '' then
  if version ~= etag and (guarded or etag ~= '0') then return false end
else
  version = etag
end
redis.call('JSON.SET', key, '$', data)
if first == '1' then redis.call('JSON.SET', key, '["first-write"]', 0) end
redis.call('JSON.SET', key, '.version', tostring(tonumber(version) + 1))
if ttl ~= '' then
  if tonumber(ttl) > 0 then redis.call('EXPIRE', key, ttl) else redis.call('PERSIST', key) end
end
return 1
`);

/** As deleteHash, on a RedisJSON document. */
export const deleteDocument = redisScript(`
local version = redis.pcall('JSON.GET', KEYS[1], '.version')
if type(version) == 'string' and version ~= ARGV[1] and ARGV[1] ~= '0' then
  return false
end
return redis.call('DEL', KEYS[1])
`);

/** The kinds of keys in the answer of {@link readHashes}. */
export const readKind = { none: 0, state: 1, text: 2, foreign: 3, failed: 4 };

/** Reads all its keys at one moment. Each is a kind and what goes with it: data and version, a plain string, or an error. */
export const readHashes = redisScript(`
local found = {}
for i, key in ipairs(KEYS) do
  local fields = redis.pcall('HMGET', key, 'data', 'version')
  if fields.err then
    local text = redis.pcall('GET', key)
    if type(text) == 'string' then found[i] = {2, text} else found[i] = {4, fields.err} end
  elseif fields[1] and fields[2] then
    found[i] = {1, fields[1], fields[2]}
  elseif not fields[1] and not fields[2] and redis.call('EXISTS', key) == 0 then
    found[i] = {0}
  else
    found[i] = {3}
  end
end
return found
`);
