/*
 * board_scripts.h - the Lua scripts by which boards in Redis are kept and read.
 *
 * Keys:
 *   leaderboard:state   hash: identity of the database, the leader's token,
 *                       position and previous position, `users` (size of that
 *                       hash), building and building_count, current:<period>,
 *                       and for each board that may be read its key = its size
 *   leaderboard:current string, expiring: the identity; there while a leader keeps up
 *   leaderboard:users   hash: user id = beginning of a row as JSON
 *   leaderboard:build   sorted set: the board that is being built
 *   leaderboard:global, … sorted sets: the boards; score, user id
 * Sizes are compared before anything is believed, so that a key that was evicted
 * or deleted is noticed and built again. A script's effects are atomic. KEYS of all
 * scripts: state, users, build, current.
 */
#ifndef TIMETRACKR_BOARD_SCRIPTS_H
#define TIMETRACKR_BOARD_SCRIPTS_H

#define BOARD_KEYS "leaderboard:state", "leaderboard:users", "leaderboard:build", "leaderboard:current"
#define BOARD_KEY_COUNT 4

/* Ids of all scripts of the program (see redis.h). */
enum
{
	BOARD_SCRIPT_ATTACH,
	BOARD_SCRIPT_APPLY,
	BOARD_SCRIPT_BEAT,
	BOARD_SCRIPT_BUILD,
	BOARD_SCRIPT_COMPARE,
	BOARD_SCRIPT_READ,
	SHARED_CACHE_SCRIPT_READ
};

/* A board's size, or -1 when something else lies under its key. */
#define LUA_SIZE \
	"local function size(key)\n" \
	"  local n = redis.pcall('ZCARD', key)\n" \
	"  return type(n) == 'number' and n or -1\n" \
	"end\n"

/*
 * Stop unless ARGV[1], ARGV[2] are the leader and the position that Redis knows. Then give up
 * every board whose size is not the recorded one, before a script records a new one; all of them
 * when users are missing. `boards` are those that are left, `building` the one that is being built.
 */
#define LUA_SOUND \
	LUA_SIZE \
	"local state, boards, all = {}, {}, redis.call('HGETALL', KEYS[1])\n" \
	"for i = 1, #all, 2 do state[all[i]] = all[i + 1] end\n" \
	"if state.leader ~= ARGV[1] or state.position ~= ARGV[2] then return 'STALE' end\n" \
	"local whole = redis.call('HLEN', KEYS[2]) == tonumber(state.users)\n" \
	"if not whole then redis.call('UNLINK', KEYS[2]) redis.call('HSET', KEYS[1], 'users', 0) end\n" \
	"for name, count in pairs(state) do\n" \
	"  if string.sub(name, 1, 12) == 'leaderboard:' then\n" \
	"    if whole and size(name) == tonumber(count) then boards[name] = true\n" \
	"    else redis.call('HDEL', KEYS[1], name) end\n" \
	"  end\n" \
	"end\n" \
	"local building = state.building\n" \
	"if building and not (whole and size(KEYS[3]) == tonumber(state.building_count)) then\n" \
	"  redis.call('HDEL', KEYS[1], 'building', 'building_count')\n" \
	"  building = nil\n" \
	"end\n"

/*
 * A new leader begins. ARGV: identity, leader, position, "1" to begin afresh. FOREIGN: another
 * database's relay is at work here. KEPT: what is here is right up to that position. RESET: it
 * was not, or not known; all boards have to be built.
 */
#define LUA_ATTACH \
	"local owner = redis.call('TYPE', KEYS[4]).ok == 'string' and redis.call('GET', KEYS[4])\n" \
	"if owner and owner ~= ARGV[1] then return 'FOREIGN' end\n" \
	"redis.call('UNLINK', KEYS[3])\n" \
	"if ARGV[4] ~= '1' and redis.call('TYPE', KEYS[1]).ok == 'hash' then\n" \
	"  local known = redis.call('HMGET', KEYS[1], 'identity', 'position', 'previous')\n" \
	"  if known[1] == ARGV[1] and (known[2] == ARGV[3] or known[3] == ARGV[3]) then\n" \
	"    redis.call('HDEL', KEYS[1], 'building', 'building_count')\n" \
	"    redis.call('HSET', KEYS[1], 'leader', ARGV[2], 'position', ARGV[3], 'previous', ARGV[3])\n" \
	"    return 'KEPT'\n" \
	"  end\n" \
	"end\n" \
	"redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[4])\n" \
	"redis.call('HSET', KEYS[1], 'identity', ARGV[1], 'leader', ARGV[2], 'position', ARGV[3],\n" \
	"  'previous', ARGV[3], 'users', 0)\n" \
	"return 'RESET'\n"

/*
 * Put users' scores on the boards. ARGV: leader, position, the position it leads to,
 * board_changes(). OK, or STALE. A board that is live no more is given up: from now on nothing
 * keeps it right.
 */
#define LUA_APPLY \
	LUA_SOUND \
	"local changes, index, targets = cjson.decode(ARGV[4]), {}, {}\n" \
	"for i, board in ipairs(changes.boards) do index[board[1]] = i end\n" \
	"for name in pairs(boards) do\n" \
	"  local i = index[name]\n" \
	"  if i then targets[#targets + 1] = {key = name, field = name, index = i, expires = changes.boards[i][2]}\n" \
	"  else redis.call('HDEL', KEYS[1], name) redis.call('UNLINK', name) end\n" \
	"end\n" \
	"if building and index[building] then\n" \
	"  targets[#targets + 1] = {key = KEYS[3], field = 'building_count', index = index[building], expires = 0}\n" \
	"end\n" \
	"for _, target in ipairs(targets) do\n" \
	"  local add, remove = {}, {}\n" \
	"  for _, user in ipairs(changes.users) do\n" \
	"    local score = user[3][target.index]\n" \
	"    if score > 0 then add[#add + 1] = score add[#add + 1] = user[1]\n" \
	"    else remove[#remove + 1] = user[1] end\n" \
	"  end\n" \
	"  if #add > 0 then redis.call('ZADD', target.key, unpack(add)) end\n" \
	"  if #remove > 0 then redis.call('ZREM', target.key, unpack(remove)) end\n" \
	"  redis.call('HSET', KEYS[1], target.field, redis.call('ZCARD', target.key))\n" \
	"  if target.expires > 0 then redis.call('EXPIREAT', target.key, target.expires) end\n" \
	"end\n" \
	"local known_users, gone = {}, {}\n" \
	"for _, user in ipairs(changes.users) do\n" \
	"  local scored = false\n" \
	"  for _, score in ipairs(user[3]) do scored = scored or score > 0 end\n" \
	"  if scored then known_users[#known_users + 1] = user[1] known_users[#known_users + 1] = user[2]\n" \
	"  else gone[#gone + 1] = user[1] end\n" \
	"end\n" \
	"if #known_users > 0 then redis.call('HSET', KEYS[2], unpack(known_users)) end\n" \
	"if #gone > 0 then redis.call('HDEL', KEYS[2], unpack(gone)) end\n" \
	"redis.call('HSET', KEYS[1], 'users', redis.call('HLEN', KEYS[2]),\n" \
	"  'position', ARGV[3], 'previous', ARGV[2])\n" \
	"return 'OK'\n"

/*
 * Say that the boards are current. ARGV: leader, position, identity, ms for which that holds,
 * board_index(). STALE, OK, or the key of a live board that has to be built.
 */
#define LUA_BEAT \
	LUA_SOUND \
	"local board_index, live, missing = cjson.decode(ARGV[5]), {}, false\n" \
	"for _, name in ipairs(board_index.boards) do\n" \
	"  live[name] = true\n" \
	"  if not boards[name] then missing = missing or name end\n" \
	"end\n" \
	"for name in pairs(boards) do\n" \
	"  if not live[name] then redis.call('HDEL', KEYS[1], name) redis.call('UNLINK', name) end\n" \
	"end\n" \
	"for period, name in pairs(board_index.current) do\n" \
	"  redis.call('HSET', KEYS[1], 'current:' .. period, name)\n" \
	"end\n" \
	"redis.call('SET', KEYS[4], ARGV[3], 'PX', ARGV[4])\n" \
	"return missing or 'OK'\n"

/*
 * Add a page to the board that is being built. ARGV: leader, position, "1" for the first page,
 * "1" for the last, board_page(). OK, or STALE. The last page makes the whole the board, in place
 * of what was there.
 */
#define LUA_BUILD \
	LUA_SOUND \
	"local page, scores, users = cjson.decode(ARGV[5]), {}, {}\n" \
	"if ARGV[3] == '1' then\n" \
	"  redis.call('UNLINK', KEYS[3])\n" \
	"  redis.call('HSET', KEYS[1], 'building', page.board)\n" \
	"elseif building ~= page.board then\n" \
	"  return 'STALE'\n" \
	"end\n" \
	"for _, row in ipairs(page.rows) do\n" \
	"  scores[#scores + 1] = row[3] scores[#scores + 1] = row[1]\n" \
	"  users[#users + 1] = row[1] users[#users + 1] = row[2]\n" \
	"end\n" \
	"if #scores > 0 then\n" \
	"  redis.call('ZADD', KEYS[3], unpack(scores))\n" \
	"  redis.call('HSET', KEYS[2], unpack(users))\n" \
	"end\n" \
	"local count = size(KEYS[3])\n" \
	"redis.call('HSET', KEYS[1], 'users', redis.call('HLEN', KEYS[2]), 'building_count', count)\n" \
	"if ARGV[4] ~= '1' then return 'OK' end\n" \
	"redis.call('UNLINK', page.board)\n" \
	"if count > 0 then\n" \
	"  redis.call('RENAME', KEYS[3], page.board)\n" \
	"  if page.expires > 0 then redis.call('EXPIREAT', page.board, page.expires) end\n" \
	"end\n" \
	"redis.call('HDEL', KEYS[1], 'building', 'building_count')\n" \
	"redis.call('HSET', KEYS[1], page.board, count)\n" \
	"return 'OK'\n"

/*
 * Compare a page of a board with what is here. ARGV: leader, position, board_page(), score and user id
 * after which the page begins (user id 0: at the top), score and user id of its last row (user id 0:
 * the page goes to the end of the board). OK; or an array of
 * user ids, as PostgreSQL writes it, that stand otherwise on the board, or between whose rows they do
 * while the page has none of them, or whose row as JSON is another; or STALE. Members that can't be a
 * user's id are taken off, and told as 0. A board that is not here, or given up, differs in nothing.
 */
#define LUA_COMPARE \
	LUA_SOUND \
	"local page, ids, on_page, differ = cjson.decode(ARGV[3]), {}, {}, {}\n" \
	"local board = page.board\n" \
	"if not boards[board] then return 'OK' end\n" \
	"local function note(id) if #differ < 500 then differ[#differ + 1] = id end end\n" \
	"local function is_at(id, score)\n" \
	"  return tonumber(redis.call('ZSCORE', board, id) or 0) == score\n" \
	"end\n" \
	"for i, row in ipairs(page.rows) do ids[i] = row[1] on_page[row[1]] = true end\n" \
	"local members = #ids > 0 and redis.call('HMGET', KEYS[2], unpack(ids)) or {}\n" \
	"for i, row in ipairs(page.rows) do\n" \
	"  if not is_at(row[1], row[3]) or members[i] ~= row[2] then note(row[1]) end\n" \
	"end\n" \
	"local first, last = false, false\n" \
	"if ARGV[5] == '0' then first = 0\n" \
	"elseif is_at(ARGV[5], tonumber(ARGV[4])) then first = redis.call('ZREVRANK', board, ARGV[5]) + 1 end\n" \
	"if ARGV[7] == '0' then last = size(board) - 1\n" \
	"elseif is_at(ARGV[7], tonumber(ARGV[6])) then last = redis.call('ZREVRANK', board, ARGV[7]) end\n" \
	"if first and last and last >= first and (#differ > 0 or last - first + 1 ~= #ids) then\n" \
	"  last = math.min(last, first + #ids + 999)\n" \
	"  for _, id in ipairs(redis.call('ZREVRANGE', board, first, last)) do\n" \
	"    if not on_page[id] and #id < 19 and string.find(id, '^[1-9][0-9]*$') then note(id)\n" \
	"    elseif not on_page[id] then redis.call('ZREM', board, id) note('0') end\n" \
	"  end\n" \
	"  redis.call('HSET', KEYS[1], board, size(board))\n" \
	"end\n" \
	"if #differ == 0 then return 'OK' end\n" \
	"return '{' .. table.concat(differ, ',') .. '}'\n"

/*
 * Read part of a board. ARGV: identity, key of the board or
 * current:<period>, most rows, and then: "top"; "after", score, user id for what
 * follows that row; "around", user id. Gives JSON, score, user id of each row, or nil when it cannot say.
 */
#define LUA_READ \
	LUA_SIZE \
	"if redis.call('GET', KEYS[4]) ~= ARGV[1] then return false end\n" \
	"local board, most = ARGV[2], tonumber(ARGV[3])\n" \
	"if string.sub(board, 1, 8) == 'current:' then board = redis.call('HGET', KEYS[1], board) end\n" \
	"local count = board and redis.call('HGET', KEYS[1], board)\n" \
	"if not count or tonumber(count) ~= size(board) then return false end\n" \
	"local first, last = 0, most - 1\n" \
	"if ARGV[4] == 'after' then\n" \
	"  local score = redis.call('ZSCORE', board, ARGV[6])\n" \
	"  if not score or tonumber(score) ~= tonumber(ARGV[5]) then return false end\n" \
	"  first = redis.call('ZREVRANK', board, ARGV[6]) + 1\n" \
	"  last = first + most - 1\n" \
	"elseif ARGV[4] == 'around' then\n" \
	"  local place = redis.call('ZREVRANK', board, ARGV[5])\n" \
	"  if not place then return false end\n" \
	"  first = math.max(0, place - math.floor((most - 1) / 2))\n" \
	"  last = place + math.floor(most / 2)\n" \
	"end\n" \
	"if last < first then return {} end\n" \
	"local page, ids, out = redis.call('ZREVRANGE', board, first, last, 'WITHSCORES'), {}, {}\n" \
	"if #page == 0 then return {} end\n" \
	"for i = 1, #page, 2 do ids[#ids + 1] = page[i] end\n" \
	"local rows = redis.call('HMGET', KEYS[2], unpack(ids))\n" \
	"local rank = redis.call('ZCOUNT', board, '(' .. page[2], '+inf') + 1\n" \
	"for i, id in ipairs(ids) do\n" \
	"  local score = page[2 * i]\n" \
	"  if not rows[i] then return false end\n" \
	"  if i > 1 and score ~= page[2 * i - 2] then rank = first + i end\n" \
	"  out[#out + 1] = string.format('%s,\"score\":%s,\"rank\":%d}', string.sub(rows[i], 1, -2), score, rank)\n" \
	"  out[#out + 1] = score\n" \
	"  out[#out + 1] = id\n" \
	"end\n" \
	"return out\n"

#endif
