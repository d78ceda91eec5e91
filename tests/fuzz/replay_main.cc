// Stands in for libFuzzer in ordinary builds: runs the fuzz function over every file of the given
// corpus folders and over a fixed number of seeded mutations of them. A crash or a failed CHECK
// fails the test; the seed and round are printed before, so that the input can be made again.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t largest_input = 64 * 1024;

Input read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

std::vector<Input> read_corpus(int argc, char** argv) {
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i]))
      if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Input> corpus;
  for (const auto& path : paths) corpus.push_back(read_file(path));
  if (corpus.empty()) corpus.push_back(Input(64, 0));
  return corpus;
}

std::uint8_t interesting(srpd::Random& random) {
  static constexpr std::uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x40, 0x10};
  return values[random.below(std::size(values))];
}

void mutate_once(Input& input, const std::vector<Input>& corpus, srpd::Random& random) {
  const auto at = [&] { return static_cast<std::size_t>(random.below(input.size())); };
  if (input.empty()) input.push_back(0);
  switch (random.below(7)) {
    case 0:
      input[at()] ^= static_cast<std::uint8_t>(1u << random.below(8));
      break;
    case 1:
      input[at()] = interesting(random);
      break;
    case 2:
      input[at()] = static_cast<std::uint8_t>(random.next());
      break;
    case 3:
      input.resize(at() + 1);
      break;
    case 4: {
      const auto position = static_cast<Input::difference_type>(at());
      input.insert(input.begin() + position, 1 + random.below(8), interesting(random));
      break;
    }
    case 5: {
      const auto first = static_cast<Input::difference_type>(at());
      const auto count = std::min<Input::difference_type>(
          static_cast<Input::difference_type>(1 + random.below(8)),
          static_cast<Input::difference_type>(input.size()) - first);
      input.erase(input.begin() + first, input.begin() + first + count);
      break;
    }
    default: {
      const Input& other = corpus[random.below(corpus.size())];
      input.insert(input.end(), other.begin(), other.end());
      break;
    }
  }
  if (input.size() > largest_input) input.resize(largest_input);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Input> corpus = read_corpus(argc, argv);
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());

  const char* const seed_text = std::getenv("SRPD_FUZZ_SEED");
  const char* const rounds_text = std::getenv("SRPD_FUZZ_ROUNDS");
  const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 0) : 1;
  const std::uint64_t rounds =
      rounds_text != nullptr ? std::strtoull(rounds_text, nullptr, 0) : 5000;
  std::printf("%zu files, then %llu mutations from SRPD_FUZZ_SEED=%llu\n", corpus.size(),
              static_cast<unsigned long long>(rounds), static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  srpd::Random random(seed);
  for (std::uint64_t round = 0; round < rounds; ++round) {
    Input input = corpus[random.below(corpus.size())];
    for (std::uint64_t n = 1 + random.below(6); n > 0; --n) mutate_once(input, corpus, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  return 0;
}
