-- Each connection is a user who starts an entry and stops it, a minute at a time. Needs a
-- thread for each connection, as wrk does not tell scripts which one an answer came on.
-- wrk -t N -c N -s pairs.lua URL -- FILE SECOND: FILE has a token a line; the first minute
-- begins at SECOND of the epoch.

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local function stamp(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", seconds)
end

function init(arguments)
  local line = 0
  for token in io.lines(arguments[1]) do
    if line == number then
      headers = { Authorization = "Bearer " .. token, ["Content-Type"] = "application/json" }
    end
    line = line + 1
  end
  second = tonumber(arguments[2])
  entry = nil
end

function request()
  if entry == nil then
    return wrk.format("POST", "/time-entries", headers, '{"project_id":1,"start_time":"' .. stamp(second) .. '"}')
  end
  return wrk.format("PUT", "/time-entries/" .. entry .. "/end", headers, '{"end_time":"' .. stamp(second + 60) .. '"}')
end

function response(status, _, body)
  if status == 201 then
    entry = body:match('"entry_id":(%d+)')
  elseif status == 200 then
    entry = nil
    second = second + 60
  end
end
