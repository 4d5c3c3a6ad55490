-- GETs of a file, in turns: a line is a path, and a token after a blank, if one is to be sent.
-- wrk -s rotate.lua URL -- FILE

local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init(arguments)
  list = {}
  for line in io.lines(arguments[1]) do
    local path, token = line:match("^(%S+) ?(%S*)$")
    local headers = token ~= "" and { Authorization = "Bearer " .. token } or {}
    list[#list + 1] = wrk.format("GET", path, headers)
  end
  at = number * 7919
end

function request()
  at = at + 1
  return list[at % #list + 1]
end
