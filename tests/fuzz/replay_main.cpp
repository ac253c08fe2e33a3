// Where there is no libFuzzer: hands each file of a corpus to the target. Fails when the folder is
// missing or empty, because then nothing would be tested.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fuzz/input.hpp"

namespace {

namespace fs = std::filesystem;

int fail(const char* reason, const fs::path& path) {
    std::fprintf(stderr, "replay: %s: %s\n", reason, path.c_str());
    return 1;
}

bool replay(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream content;
    content << stream.rdbuf();
    const auto bytes = content.str();
    if (!stream || bytes.size() != fs::file_size(file)) {
        return false;
    }
    // Named before it runs: the last line tells which input crashed.
    std::printf("%s\n", file.filename().c_str());
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return true;
}

int replay_folder(const fs::path& folder) {
    if (!fs::is_directory(folder)) {
        return fail("no such corpus folder", folder);
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path());
        }
    }
    if (files.empty()) {
        return fail("the corpus folder is empty", folder);
    }
    std::sort(files.begin(), files.end());
    for (const auto& file : files) {
        if (!replay(file)) {
            return fail("cannot be read", file);
        }
    }
    std::printf("replay: %zu inputs\n", files.size());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        return fail("usage: corpus folders, not", "none");
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(""), 0);
    for (int i = 1; i < argc; ++i) {
        if (replay_folder(argv[i]) != 0) {
            return 1;
        }
    }
    return 0;
}
