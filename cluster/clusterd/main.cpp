#include "cluster/clusterd/run.hpp"

int main(int argc, char** argv) { return quorate::cluster::run(argc, argv); }
