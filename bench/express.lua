-- Requests of a file, in turns: a line each of method, path, token and body, with
-- tabs between. %d in a body, once or twice, is a number that no other request has.
--   wrk ... -s express.lua URL -- PAUSE requests FILE THREADS
-- Entries, on a connection for each thread: POST /time-entries, PUT .../end, then
-- the thread's next user. FILE has a token and a project on each line; times begin
-- at FIRST (seconds since 1970), and no two entries of a user meet.
--   wrk ... -s express.lua URL -- PAUSE entries FILE THREADS FIRST
-- PAUSE: ms on average between an answer and the connection's next request; 0: none.

local started = 0

function setup(thread)
  thread:set("number", started)
  started = started + 1
end

local function lines_of(file, threads)
  local mine, at = {}, 0
  for line in io.lines(file) do
    if at % threads == number then
      mine[#mine + 1] = line
    end
    at = at + 1
  end
  assert(#mine > 0, "fewer lines than threads")
  return mine
end

local function headers_of(token, body)
  local headers = {}
  if token ~= "" then headers["Authorization"] = "Bearer " .. token end
  if body then headers["Content-Type"] = "application/json" end
  return headers
end

local function send_requests(file, threads)
  local texts, numbered, at, count = {}, {}, 0, 0
  for i, line in ipairs(lines_of(file, threads)) do
    local method, path, token, body = line:match("^(%u+)\t([^\t]+)\t([^\t]*)\t(.*)$")
    if body == "" then body = nil end
    if body and body:find("%%d") then
      numbered[i] = { method, path, headers_of(token, body), body }
    else
      texts[i] = wrk.format(method, path, headers_of(token, body), body)
    end
  end
  local size = math.max(#texts, #numbered)
  request = function()
    at = at % size + 1
    if texts[at] then return texts[at] end
    local method, path, headers, body = unpack(numbered[at])
    count = count + 1
    local own = count * threads + number
    return wrk.format(method, path, headers, body:format(own, own))
  end
end

local STEP = 4 -- seconds from the start of a user's entry to that of the next

local function time_of(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

local function send_entries(file, threads, first)
  local users, at, now, user, entry = {}, 0, first - STEP
  for i, line in ipairs(lines_of(file, threads)) do
    local token, project = line:match("^([^\t]+)\t([^\t]+)$")
    users[i] = { headers = headers_of(token, true), project = project }
  end
  request = function()
    if entry then
      local body = '{"end_time":"' .. time_of(now + STEP / 2) .. '"}'
      return wrk.format("PUT", "/time-entries/" .. entry .. "/end", user.headers, body)
    end
    at = at % #users + 1
    if at == 1 then now = now + STEP end
    user = users[at]
    local body = '{"project_id":' .. user.project .. ',"start_time":"' .. time_of(now) .. '"}'
    return wrk.format("POST", "/time-entries", user.headers, body)
  end
  response = function(status, _, body)
    entry = not entry and status == 201 and body:match('"entry_id":%s*(%d+)') or nil
  end
end

-- wrk waits for whole milliseconds: what is left over counts towards the next pause.
local function pause_for(pause)
  local owed = 0
  delay = function()
    owed = owed + pause
    local whole = math.floor(owed)
    owed = owed - whole
    return whole
  end
end

function init(arguments)
  local pause, kind, file, threads, first = unpack(arguments)
  if tonumber(pause) > 0 then pause_for(tonumber(pause)) end
  if kind == "entries" then
    send_entries(file, tonumber(threads), tonumber(first))
  else
    send_requests(file, tonumber(threads))
  end
end
