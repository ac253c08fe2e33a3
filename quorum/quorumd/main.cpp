#include "quorum/quorumd/run.hpp"

int main(int argc, char** argv) { return quorate::quorum::run(argc, argv); }
